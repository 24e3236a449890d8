"""A model's calls of tools, as clients answer them: what they brought, and whether one may be made."""
