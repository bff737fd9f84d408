# The four commands of the platform; each makes the virtual environment first where it is missing.
.DEFAULT_GOAL := run
.PHONY: run test lint bench lock messages

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-lock
TEMPLATES := $(wildcard templates tenants/templates tokens/templates)

$(STAMP): .ci/requirements.lock
	@.ci/make_venv $(VENV) $@

run: $(STAMP)
	@exec $(BIN)/python -m authplatform.supervisor

test: $(STAMP)
	@$(BIN)/python -m pytest -n auto

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(TEMPLATES),$(BIN)/djlint --lint --check $(TEMPLATES))
	.ci/with_production_settings $(BIN)/python -W "ignore:Got an error checking" manage.py makemigrations --check --dry-run
	.ci/with_production_settings $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/codespell
	$(BIN)/deptry .

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

# Needs a package index; writes the hashes of every platform's wheels.
lock: $(STAMP)
	$(BIN)/python -m pip install --quiet "pip-tools>=7.6,<8"
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --extra dev \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
		--strip-extras --output-file .ci/requirements.lock pyproject.toml

# Needs GNU gettext; the date that it writes would change the file each time.
messages: $(STAMP)
	.ci/with_production_settings $(BIN)/python manage.py makemessages --locale de --no-location --no-wrap \
		--no-obsolete $(foreach folder,.venv tests benchmarks docs .data,--ignore "$(folder)/*")
	sed -i '/^"POT-Creation-Date/d' tokens/locale/de/LC_MESSAGES/django.po
	.ci/with_production_settings $(BIN)/python manage.py compilemessages --locale de --ignore .venv
