"""Conversations and chats as Redis keeps them."""
