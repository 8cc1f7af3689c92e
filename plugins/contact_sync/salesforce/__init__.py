"""The Salesforce edge: log-in, query, describe, deleted and updated lists, conditional writes, bulk."""
