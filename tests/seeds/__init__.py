"""One folder per seed system: what it says, held against what we do."""
