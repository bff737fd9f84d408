"""django-oauth-toolkit as its documentation sets it up, for comparison."""
