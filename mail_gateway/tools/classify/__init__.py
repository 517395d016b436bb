"""Automatic replies, repetitions, forged senders, and who may be notified. Start reading at automatic_reply.py."""
