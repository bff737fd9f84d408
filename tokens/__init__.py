"""What happens on the wire: grants, introspection, revocation, sessions."""
