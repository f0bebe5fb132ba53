package dev.litesmith.contract

/** What was given cannot be used; the message is for people, and an app shows it instead of crashing. */
class BadInput(message: String) : IllegalArgumentException(message)

/** Throws [BadInput] with the message unless the condition holds. */
internal inline fun expect(condition: Boolean, message: () -> String) {
    if (!condition) throw BadInput(message())
}
