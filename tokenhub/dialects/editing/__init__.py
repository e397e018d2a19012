"""A provider's answers with their texts put into shape, and nothing else touched."""
