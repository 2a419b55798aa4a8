#include "protocols/tftp/netascii.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace tftp;
using namespace std::string_view_literals;

namespace {

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// In blocks of `size`, each from the position that the one before ended at.
std::vector<std::string> blocks_of(std::string_view file, std::size_t size) {
  std::vector<std::string> blocks;
  TextPosition position;
  do {
    std::vector<std::byte> block(size);
    block.resize(to_netascii(bytes(file.substr(position.offset)), block, position));
    blocks.push_back(text(block));
  } while (blocks.back().size() == size);
  return blocks;
}

std::string decoded(const std::vector<std::string>& blocks) {
  NetasciiDecoder decoder;
  std::vector<std::byte> out;
  for (const auto& block : blocks) decoder.decode(bytes(block), out);
  decoder.finish(out);
  return text(out);
}

}  // namespace

TEST_CASE("trap 14: a line ends with CR LF, a lone CR is CR NUL") {
  CHECK(blocks_of("a\nb\rc", 100) == std::vector{std::string("a\r\nb\r\0c", 7)});
  CHECK(blocks_of("", 100) == std::vector<std::string>{""});
  CHECK(decoded({std::string("a\r\nb\r\0c", 7)}) == "a\nb\rc");
}

TEST_CASE("trap 14: pairs fall apart at a block's border, and come together again") {
  CHECK(blocks_of("abc\nd", 4) == std::vector<std::string>{"abc\r", "\nd"});
  CHECK(blocks_of("abc\r", 4) == std::vector{std::string("abc\r"), std::string("\0", 1)});
  CHECK(blocks_of("ab\n", 4) == std::vector<std::string>{"ab\r\n", ""});
  CHECK(decoded({"abc\r", "\nd"}) == "abc\nd");
}

TEST_CASE("a CR that is followed by neither, or by nothing, stands for itself") {
  CHECK(decoded({"a\rb"}) == "a\rb");
  CHECK(decoded({"a\r"}) == "a\r");
  CHECK(decoded({"\r\r\n"}) == "\r\n");
}

TEST_CASE("whatever the text and the block size, it comes back as it was") {
  std::mt19937 random(1);
  constexpr auto letters = "ab\r\n\0"sv;
  for (int i = 0; i < 5000; ++i) {
    std::string file(random() % 200, ' ');
    for (auto& c : file) c = letters[random() % letters.size()];
    REQUIRE(decoded(blocks_of(file, 8 + random() % 30)) == file);
  }
}
