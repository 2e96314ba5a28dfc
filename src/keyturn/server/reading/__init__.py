"""Requests as values: bodies, parameters, addresses, browsers; refused where they have two meanings."""
