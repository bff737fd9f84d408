"""GraphQL over the same services as the users endpoints: schema, limits and execution."""
