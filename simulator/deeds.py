"""What the page does for a person: one POST each, `/chat/<deed>`, its body a struct, its answer JSON."""

from collections.abc import Callable
from typing import Any

import msgspec

from simulator import buttons, drafts, groups, media, people, reactions
from simulator.chat import View, who
from simulator.people import Extra
from simulator.records import Denied, Message
from simulator.world import World

Json = dict[str, Any]


class Deed(msgspec.Struct):
    """Who does it and where."""

    as_: int = msgspec.field(name="as", default=0)
    chat: str = ""


class Send(Deed):
    """Body of send; an administrator speaks as the group (`anonymous`) or as its linked channel (`channel`)."""

    text: str = ""
    reply_to: int | None = None
    quote: str = ""
    anonymous: bool = False
    channel: bool = False


class About(Deed):
    """Body of what is done to a message: edit (text), delete, press (data), react (emoji), stop (a draft's id)."""

    id: int = 0
    text: str = ""
    data: str = ""
    emoji: str = ""


class Forward(About):
    """Body of forward: the message goes to `to`."""

    to: str = ""
    hidden: bool = False


class Place(Deed):
    """Body of location."""

    latitude: float = 0.0
    longitude: float = 0.0
    reply_to: int | None = None


class Read(Deed):
    """Body of read."""

    up_to: int = 0


class Newcomer(msgspec.Struct):
    """Body of people."""

    name: str
    language: str = "en"


class Block(Deed):
    """Body of block."""

    blocked: bool = True


class Group(Deed):
    """Body of group (title, people, bots: a new one) and of member (bot, deed)."""

    title: str = ""
    people: list[int] = []
    bots: list[int] | None = None
    bot: int = 0
    deed: str = ""


class Speech(Deed):
    """Body of announce (text) and of language."""

    text: str = ""
    language: str = ""


class Deeds:
    """All deeds over one world: `table` has the body's type and the handler of each."""

    def __init__(self, world: World) -> None:
        self.world = world

    def table(self) -> dict[str, tuple[type[Any], Callable[[Any], Json]]]:
        """Names of the deeds."""
        return {
            "send": (Send, self.send), "edit": (About, self.edit), "delete": (About, self.delete),
            "read": (Read, self.read), "people": (Newcomer, self.people), "block": (Block, self.block),
            "location": (Place, self.location), "press": (About, self.press), "react": (About, self.react),
            "stop": (About, self.stop), "forward": (Forward, self.forward), "group": (Group, self.group),
            "member": (Group, self.member), "migrate": (Deed, self.migrate), "announce": (Speech, self.announce),
            "language": (Speech, self.language),
        }  # fmt: skip

    def told(self, person: int, message: Message) -> Json:
        """The answer of what made or changed a message."""
        return {"message": View(self.world, self.world.people[person]).message(message)}

    def send(self, body: Send) -> Json:
        """Writes."""
        chat, _ = people.chat_of(self.world, body.as_, body.chat)
        if body.channel and not chat.linked:
            raise Denied("No channel is linked to this group")
        extra = Extra(speaker=chat.linked if body.channel else chat.id if body.anonymous else 0)
        sent = people.say(self.world, body.as_, body.chat, body.text, body.reply_to or 0, body.quote, extra)
        return self.told(body.as_, sent)

    def edit(self, body: About) -> Json:
        """Changes an own message."""
        return self.told(body.as_, people.revise(self.world, body.as_, body.chat, body.id, body.text))

    def delete(self, body: About) -> Json:
        """Deletes an own message."""
        return self.told(body.as_, people.remove(self.world, body.as_, body.chat, body.id))

    def forward(self, body: Forward) -> Json:
        """Forwards a message."""
        sent = people.forward(self.world, body.as_, body.chat, body.id, body.to, body.hidden)
        return self.told(body.as_, sent)

    def location(self, body: Place) -> Json:
        """Sends a place."""
        there = body.latitude, body.longitude
        return self.told(body.as_, media.place(self.world, body.as_, body.chat, *there, body.reply_to or 0))

    def read(self, body: Read) -> Json:
        """Notes what was read."""
        people.read(self.world, body.as_, body.chat, body.up_to)
        return {}

    def react(self, body: About) -> Json:
        """Reacts to a message."""
        return self.told(body.as_, reactions.choose(self.world, body.as_, body.chat, body.id, body.emoji))

    def press(self, body: About) -> Json:
        """Presses a button."""
        return {"query": buttons.press(self.world, body.as_, body.chat, body.id, body.data)}

    def stop(self, body: About) -> Json:
        """Stops a draft."""
        drafts.stop(self.world, body.as_, body.chat, body.id)
        return {}

    def people(self, body: Newcomer) -> Json:
        """A new person."""
        return {"person": who(people.enter(self.world, body.name, language=body.language))}

    def language(self, body: Speech) -> Json:
        """Another language of a person's app."""
        people.choose_language(self.world, body.as_, body.language)
        return {}

    def block(self, body: Block) -> Json:
        """Blocks the page's bot, or lets it write again."""
        people.block(self.world, body.as_, self.world.main, body.blocked)
        return {}

    def group(self, body: Group) -> Json:
        """A new small group, with the page's bot unless others are named."""
        bots = [self.world.main] if body.bots is None else body.bots
        return {"chat": str(groups.create(self.world, body.as_, body.title, body.people, bots).id)}

    def member(self, body: Group) -> Json:
        """Adds, promotes, demotes, mutes or removes a bot."""
        groups.change(self.world, body.as_, body.chat, body.bot or self.world.main, body.deed)
        return {}

    def migrate(self, body: Deed) -> Json:
        """Makes a supergroup of a small group."""
        return {"chat": str(groups.migrate(self.world, body.as_, body.chat).id)}

    def announce(self, body: Speech) -> Json:
        """Posts in the linked channel."""
        return self.told(body.as_, groups.announce(self.world, body.as_, body.chat, body.text))
