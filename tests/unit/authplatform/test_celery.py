from datetime import timedelta

from authplatform.celery import SCHEDULE, app


def test_everything_on_the_schedule_exists() -> None:
    app.loader.import_default_modules()
    assert set(SCHEDULE) <= set(app.tasks)


def test_run_that_is_late_by_a_whole_cadence_is_dropped() -> None:
    for task, entry in app.conf.beat_schedule.items():
        assert entry["options"]["expires"] == SCHEDULE[task].total_seconds()


def test_running_task_survives_its_worker() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit
    visibility_seconds = app.conf.broker_transport_options["visibility_timeout"]
    assert app.conf.task_time_limit < visibility_seconds
    assert all(cadence >= timedelta(minutes=1) for cadence in SCHEDULE.values())
