"""When the outgoing queue tries again: delays of a message, health of a server, budgets."""
