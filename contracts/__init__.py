"""The service contracts as code: registry, domain model, codes, rules, messages, faults and errors."""
