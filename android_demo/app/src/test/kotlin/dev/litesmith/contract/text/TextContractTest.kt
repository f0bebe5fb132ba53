package dev.litesmith.contract.text

import dev.litesmith.contract.BadInput
import dev.litesmith.contract.FakeTextContract
import dev.litesmith.contract.TextPreprocess
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class TextContractTest {
    private val contract = FakeTextContract(length = 8).open()

    @Test
    fun `a text is cut, framed and padded`() {
        val row = contract.encode("Undo \u00fcb do")
        assertEquals(listOf(2, 4, 5, 1, 6, 3, 0, 0), row.ids.toList())
        assertEquals(listOf<Byte>(1, 1, 1, 1, 1, 1, 0, 0), row.mask.toList())
        assertTrue(row.tokenTypes.all { it == 0 })
    }

    @Test
    fun `a second text has a type of its own, and the longer one is cut`() {
        val row = contract.encode("do", "do do do do do do")
        assertEquals(listOf(2, 6, 3, 6, 6, 6, 6, 3), row.ids.toList())
        assertEquals(listOf(0, 0, 0, 1, 1, 1, 1, 1), row.tokenTypes.toList())
        assertEquals(3..6, row.second)
        assertTrue(contract.encode("do").second.isEmpty())
    }

    @Test
    fun `two texts need room`() {
        val error = assertThrows(BadInput::class.java) { FakeTextContract(length = 4).open().encode("do", "do") }
        assertTrue("no room for two texts; it takes 5" in error.message.orEmpty()) { error.message }
    }

    @Test
    fun `half of a character is a message, and all of it is a word`() {
        assertEquals(listOf(2, 1, 3, 0, 0, 0, 0, 0), contract.encode("\uD83D\uDE00").ids.toList())
        for (half in listOf("do \uD83D", "\uDE00", "\uD83D\uD83D\uDE00")) {
            val error = assertThrows(BadInput::class.java) { contract.encode(half) }
            assertTrue("half of a character" in error.message.orEmpty()) { error.message }
        }
    }

    @Test
    fun `another vocabulary than the class's is a message`() {
        val longer = FakeTextContract.VOCABULARY + "more\n"
        val error = assertThrows(BadInput::class.java) { FakeTextContract().open(longer) }
        assertTrue("not the file that the app was generated for" in error.message.orEmpty()) { error.message }
    }

    @Test
    fun `a vocabulary that contradicts the class is a message`() {
        for ((content, lines, said) in listOf(Triple("do\n", 1, "lacks the token [PAD]"), Triple("do\n", 2, "not 2"))) {
            val file = TextFile("v.txt", lines, FakeTextContract.sha256Of(content))
            val special = SpecialTokens("[PAD]", "[UNK]", "[CLS]", "[SEP]")
            val kind = PieceKind.WordPiece(Normalisation(true, true, true, true), 100)
            val error = assertThrows(BadInput::class.java) {
                TextPreprocess(8, special, kind, emptyList(), Pairs(1, 1), file).open { content.toByteArray() }
            }
            assertTrue(said in error.message.orEmpty()) { error.message }
        }
    }
}
