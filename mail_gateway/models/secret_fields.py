"""The fields of mail servers that hold passwords and tokens."""

# the endings of the names of OAuth modules' fields that hold tokens
_TOKENS = ("_access_token", "_refresh_token")


def secret_fields(servers, password):
    """Return the names of the fields whose values no error, log or alert may hold.

    :param servers: a recordset of a model of mail servers
    :param password: the name of its password field
    """
    return [name for name in servers._fields if name == password or name.endswith(_TOKENS)]
