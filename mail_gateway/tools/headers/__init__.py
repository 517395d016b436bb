"""Reads and writes addresses, Message-Ids and the other headers. Start reading at address_list.py and addresses.py."""
