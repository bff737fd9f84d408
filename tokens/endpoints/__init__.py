"""The endpoints below an issuer: HTTP only, one module each."""
