"""Buttons under messages: a person presses one, its bot hears a callback_query and answers it."""

from simulator import wire
from simulator.people import chat_of
from simulator.records import Denied, Press, bad
from simulator.world import Event, World

ANSWER_SECONDS = 15.0  # the app has stopped waiting by then
LONGEST_ANSWER = 200


def press(world: World, person: int, key: str, number: int, data: str) -> str:
    """Presses the button with this data; returns the id of the query, whose answer comes as an event."""
    chat, topic = chat_of(world, person, key)
    message = world.message(chat.home, number)
    if message is None or all(button.callback_data != data for row in message.buttons for button in row):
        raise Denied("That button is gone")
    bot = world.bots[message.sender]
    if not chat.has(bot.id):
        raise Denied("The bot is no longer here")
    for old in [one for one, pressed in world.presses.items() if world.now() - pressed.at > ANSWER_SECONDS]:
        del world.presses[old]
    query = str(world.number())
    world.presses[query] = Press(bot.id, person, world.key(chat, topic), world.now())
    content = {
        "id": query,
        "from": wire.user(world.people[person]),
        "message": wire.message(world, message),
        "chat_instance": str(-abs(chat.id) * 7919),
        "data": data,
    }
    world.notify(bot, "callback_query", lambda: content)
    return query


def answer(world: World, bot: int, query: str, words: str, alert: bool) -> None:
    """The bot's answer to a press; a second one, or one too late, is refused."""
    pressed = world.presses.get(query)
    if pressed is None or pressed.bot != bot or world.now() - pressed.at > ANSWER_SECONDS:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if len(words) > LONGEST_ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    del world.presses[query]
    home, topic = world.home(pressed.key)
    more = {"query": query, "text": words, "alert": alert}
    world.tell(Event(world.number(), "answer", world.chat(home), topic, person=pressed.person, more=more))
