"""Who may do what with a document."""

from dataclasses import dataclass, field


@dataclass
class User:
    name: str
    is_active: bool = True
    is_admin: bool = False


@dataclass
class Document:
    title: str
    owner: str
    is_public: bool = False
    is_locked: bool = False
    editors: set = field(default_factory=set)
    readers: set = field(default_factory=set)


def can_read(user, document):
    """Public documents are for all active users, others for admins, owner, editors and readers."""
    if not user.is_active:
        return False
    if user.is_admin or document.is_public:
        return True
    return user.name == document.owner or user.name in document.editors | document.readers


def can_edit(user, document):
    """Active owners and editors may edit a document that is not locked; admins may always."""
    if not user.is_active:
        return False
    if user.is_admin:
        return True
    is_author = user.name == document.owner or user.name in document.editors
    return is_author or not document.is_locked


def can_delete(user, document):
    """Only the active owner and admins may delete."""
    return user.is_active and (user.is_admin or user.name == document.owner)


def visible(user, documents):
    """The documents a user may read, by title."""
    return sorted((doc for doc in documents if can_read(user, doc)), key=lambda doc: doc.title)
