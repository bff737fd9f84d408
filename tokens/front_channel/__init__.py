"""The pages that people see: sign-in, consent, devices, their account, logout."""
