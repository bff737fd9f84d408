"""What exists and what is allowed: tenants, clients, trust profiles, access policies."""
