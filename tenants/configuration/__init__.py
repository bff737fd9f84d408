"""Configuration as data: YAML that is checked, applied as a whole and exported byte for byte."""
