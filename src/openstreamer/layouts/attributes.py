"""Host attributes: what an administrator wants to know of hosts beyond what is seen of them.

Records 46 to 48 carry a definition; values stand in full host profiles. Rules: chapter 4 of the integration
guide, "Attribute Definition Data Block" and the attribute blocks after it; its appendix of legacy structures
for addresses of 4 bytes. Not here: a user setting a value (host_input.py).
"""

from __future__ import annotations

from openstreamer.wire import IP, U32, UUID, Blob, Block, BlockList, GenericBlockList, IPv4, String, f


class AttributeAddress(
    Block,
    id="attribute_address",
    series=1,
    types={38: "4.5.x-5.1.1.x", 146: "5.2+"},
    confidence={38: "partly-verified"},
):
    """A network whose hosts get an attribute by themselves."""

    attribute_id: U32 = f("Number of the attribute.")
    ip_address: IP = f("Address that the attribute was assigned to.", was={38: IPv4})
    bits: U32 = f("How many bits of the address count.")


class AttributeListItem(Block, id="attribute_list_item", series=1, types={39: "all"}):
    """One choice of an attribute whose values are a list."""

    attribute_id: U32 = f("Number of the attribute, or of the choice.")
    name: String = f("Name of the choice.")


class AttributeDefinition(
    Block,
    id="attribute_definition",
    series=1,
    types={40: "4.5.x-4.6.x", 55: "4.7+"},
    confidence={40: "sdk-only", 55: "sdk-only"},
    notes={
        55: "No source tells whether List or Generic List blocks hold the choices and addresses: both are read."
    },
    alternatives={
        55: (
            {},
            {
                "list_items": GenericBlockList[AttributeListItem],
                "address_list": GenericBlockList[AttributeAddress],
            },
        )
    },
):
    """A host attribute as it was defined."""

    source_id: U32 = f("User who defined it.")
    uuid: UUID = f("The attribute, the same on all systems.")
    attribute_id: U32 = f("Number of the attribute; metadata names it.")
    name: String = f("Name of the attribute.")
    attribute_type: U32 = f("What kind of value it takes.", values="attribute_type")
    attribute_category: U32 = f("Category of the attribute.", since=55)
    range_start: U32 = f("Least value of an attribute that takes numbers.")
    range_end: U32 = f("Greatest value of an attribute that takes numbers.")
    auto_ip: U32 = f("Whether hosts get the attribute by their address.")
    list_items: BlockList[AttributeListItem] = f("Choices of an attribute that takes one of a list.")
    address_list: BlockList[AttributeAddress] = f("Addresses whose hosts get the attribute by themselves.")


class AttributeValue(
    Block,
    id="attribute_value",
    series=1,
    types={48: "all"},
    confidence={48: "partly-verified"},
    notes={48: "What kind of block the text is in is not settled: a BLOB block is read as well."},
    alternatives={48: ({}, {"text_value": Blob})},
):
    """The value that a host attribute has on a host."""

    attribute_id: U32 = f("Number of the attribute.")
    attribute_type: U32 = f("What kind of value it is.", values="attribute_type")
    int_value: U32 = f("The value of an attribute that takes numbers.")
    text_value: String = f("The value of any other attribute.")


class AttributeSpecification(
    Block,
    id="attribute_specification",
    series=1,
    types={62: "4.7+"},
    confidence={62: "partly-verified"},
):
    """A host attribute by its name, and its value."""

    name: String = f("Name of the attribute.")
    value: String = f("Value of the attribute.")
