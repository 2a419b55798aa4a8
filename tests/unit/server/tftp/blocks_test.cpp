#include "server/tftp/blocks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/files/path.hpp"
#include "storage/files/root.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/tftp/change_times.hpp"

using namespace server;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t block_size = 16;

tftp::Negotiated blocks_in_windows_of(std::uint16_t window, std::uint16_t rollover = 0) {
  tftp::Negotiated negotiated;
  negotiated.block_size = block_size;
  negotiated.window = window;
  negotiated.rollover = rollover;
  return negotiated;
}

// A file of which a transfer is in the middle while a test changes it.
struct Sent {
  test::TempDir directory;
  fs::path path;
  SharedImages images;

  explicit Sent(std::string_view content) : path(directory.write("image", content)) {}

  storage::File open() const {
    return std::move(
        storage::Root::open(directory.path())->open_file(storage::Path::parse("/image").value()).value());
  }
  OctetBlocks octets(std::uint16_t window = 1, std::uint16_t rollover = 0) {
    auto file = open();
    return OctetBlocks(images.share(file, blocks_in_windows_of(window, rollover)));
  }
  TextBlocks text(std::uint16_t window = 1) const { return {open(), blocks_in_windows_of(window)}; }

  void append(std::string_view more) const { std::ofstream(path, std::ios::app | std::ios::binary) << more; }
  void overwrite_with(char c) const {  // and keep its size
    test::change_times_of(path);
    std::ofstream(path, std::ios::in | std::ios::binary) << std::string(fs::file_size(path), c);
  }
};

// Blocks `first` to `last` of a file with so many bytes.
tftp::SendData batch(std::uint64_t first, std::uint64_t last, std::uint64_t file_size) {
  const auto offset = (first - 1) * block_size;
  const auto count = last - first + 1;
  return {first, static_cast<std::uint32_t>(count), offset,
          std::min<std::uint64_t>(count * block_size, file_size - offset)};
}
// Of a text nobody knows the size.
tftp::SendData text_batch(std::uint64_t first, std::uint64_t last) {
  return batch(first, last, std::uint64_t{1} << 40);
}

struct Packet {
  unsigned opcode, number;
  std::string bytes;
  bool operator==(const Packet&) const = default;
};

std::vector<Packet> packets_in(std::span<const std::byte> bytes) {
  std::vector<Packet> packets;
  while (!bytes.empty()) {
    const auto packet = bytes.first(std::min(bytes.size(), block_size + tftp::data_header_size));
    REQUIRE(packet.size() >= tftp::data_header_size);
    const auto data = packet.subspan(tftp::data_header_size);
    packets.push_back({tftp::number_at(packet, 0),
                       tftp::number_at(packet, 2),
                       {reinterpret_cast<const char*>(data.data()), data.size()}});
    bytes = bytes.subspan(packet.size());
  }
  return packets;
}

std::string letters(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i / 3 % 26);
  return text;
}

// All of a text, window by window, as its client gets it.
std::string sent_as_text(const std::string& content, std::uint16_t window) {
  const Sent sent(content);
  auto blocks = sent.text(window);
  std::string whole;
  for (std::uint64_t first = 1;; first += window) {
    const auto filled = blocks.read(text_batch(first, first + window - 1));
    REQUIRE_FALSE(filled.error);
    REQUIRE_FALSE(filled.changed);
    CHECK(filled.block == first);
    auto number = first;
    for (const auto& packet : packets_in(filled.packets)) {
      CHECK(packet.opcode == 3);
      CHECK(packet.number == number++);
      whole += packet.bytes;
    }
    if (!filled.last) {
      CHECK(number == first + window);
      continue;
    }
    CHECK(filled.last->block == number - 1);
    CHECK(filled.last->size == whole.size() - (number - 2) * block_size);
    CHECK(filled.last->size < block_size);
    return whole;
  }
}

}  // namespace

TEST_CASE("blocks in the middle of a file come from memory, and the batch that ends it never does") {
  for (const auto size : std::array<std::size_t, 7>{0, 1, 15, 16, 17, 32, 47}) {
    CAPTURE(size);
    const auto content = letters(size);
    Sent sent(content);
    auto blocks = sent.octets();
    const auto last = size / block_size + 1;
    for (std::uint64_t block = 1; block <= last; ++block) {
      CAPTURE(block);
      const auto packets = blocks.cached(batch(block, block, size));
      CHECK(packets.has_value() == (block < last));
      if (packets) {
        CHECK(packets_in(*packets) ==
              std::vector<Packet>{
                  {3, static_cast<unsigned>(block), content.substr((block - 1) * block_size, block_size)}});
      }
      CHECK(blocks.only_asks(batch(block, block, size)) == (block == last));
    }
    const auto end = blocks.read(batch(last, last, size));
    CHECK_FALSE(end.error);
    CHECK_FALSE(end.changed);
    CHECK(packets_in(end.packets) ==
          std::vector<Packet>{{3, static_cast<unsigned>(last), content.substr((last - 1) * block_size)}});
  }
}

TEST_CASE("a window that ends the file is read as a whole, with its short block") {
  const auto content = letters(70);
  Sent sent(content);
  auto blocks = sent.octets(4);
  REQUIRE(blocks.cached(batch(1, 4, content.size())));
  const auto filled = blocks.read(batch(3, 5, content.size()));
  CHECK(filled.block == 3);
  CHECK_FALSE(filled.last);  // only a text tells its end
  CHECK(packets_in(filled.packets) == std::vector<Packet>{{3, 3, content.substr(32, 16)},
                                                          {3, 4, content.substr(48, 16)},
                                                          {3, 5, content.substr(64)}});
}

TEST_CASE("blocks are sent again with the bytes and numbers that they had") {
  const auto content = letters(4000);
  Sent sent(content);
  auto blocks = sent.octets(4);
  for (std::uint64_t first = 1; first < 200; first += 4)
    REQUIRE(blocks.cached(batch(first, first + 3, 4000)));
  const auto again = blocks.cached(batch(190, 192, 4000));
  REQUIRE(again);
  CHECK(packets_in(*again) == std::vector<Packet>{{3, 190, content.substr(189 * 16, 16)},
                                                  {3, 191, content.substr(190 * 16, 16)},
                                                  {3, 192, content.substr(191 * 16, 16)}});
  const auto next = blocks.cached(batch(201, 201, 4000));
  REQUIRE(next);
  CHECK(packets_in(*next) == std::vector<Packet>{{3, 201, content.substr(200 * 16, 16)}});
}

TEST_CASE("the number on the wire begins again as it was negotiated") {
  Sent sent("");
  constexpr std::uint64_t size = 65'540 * block_size;
  fs::resize_file(sent.path, size);
  for (const auto rollover : {std::uint16_t{0}, std::uint16_t{1}}) {
    auto blocks = sent.octets(1, rollover);
    const auto filled = blocks.read(batch(65'535, 65'537, size));
    const auto packets = packets_in(filled.packets);
    REQUIRE(packets.size() == 3);
    CHECK(packets[0].number == 65'535);
    CHECK(packets[1].number == rollover);
    CHECK(packets[2].number == rollover + 1U);
  }
}

TEST_CASE("a file that was written to shows where it ends, and not before") {
  const auto content = letters(40);
  for (const auto change :
       {+[](const Sent& sent) { sent.append("more"); }, +[](const Sent& sent) { sent.overwrite_with('x'); },
        +[](const Sent& sent) { sent.append(std::string(100, 'x')); }}) {
    Sent sent(content);
    auto blocks = sent.octets();
    change(sent);
    const auto middle = blocks.read(batch(2, 2, content.size()));
    CHECK_FALSE(middle.changed);
    CHECK_FALSE(middle.error);
    const auto end = blocks.read(batch(3, 3, content.size()));
    CHECK(end.changed);
    CHECK_FALSE(end.error);
  }
}

TEST_CASE("a file that was cut is not sent as a shorter one") {
  Sent sent(letters(40));
  auto blocks = sent.octets();
  fs::resize_file(sent.path, 31);
  CHECK_FALSE(blocks.read(batch(1, 1, 40)).changed);
  CHECK_FALSE(blocks.cached(batch(2, 2, 40)));
  CHECK(blocks.read(batch(2, 2, 40)).changed);
  CHECK(blocks.read(batch(3, 3, 40)).changed);
  CHECK_FALSE(blocks.only_asks(batch(3, 3, 40)));
}

TEST_CASE("a file that was replaced or removed is sent to its end") {
  const auto content = letters(40);
  for (const auto change :
       {+[](const Sent& sent) { fs::remove(sent.path); },
        +[](const Sent& sent) { fs::rename(sent.directory.write("new", "other"), sent.path); }}) {
    Sent sent(content);
    auto blocks = sent.octets();
    change(sent);
    const auto end = blocks.read(batch(3, 3, content.size()));
    CHECK_FALSE(end.changed);
    CHECK(packets_in(end.packets) == std::vector<Packet>{{3, 3, content.substr(32)}});
  }
}

TEST_CASE("a text is sent with CR LF, whatever the window and wherever a pair falls apart") {
  struct Text {
    std::string content, sent;
  };
  std::string lines, lines_sent;
  for (int i = 0; i < 60; ++i) {
    lines += std::string(static_cast<std::size_t>(i) % 7, 'x') + '\n';
    lines_sent += std::string(static_cast<std::size_t>(i) % 7, 'x') + "\r\n";
  }
  const std::vector<Text> texts{
      {"", ""},
      {"one line\n", "one line\r\n"},
      {"a\rb", std::string("a\r\0b", 4)},
      {std::string(16, 'x'), std::string(16, 'x')},                  // an empty block ends it
      {std::string(15, 'x') + "\n", std::string(15, 'x') + "\r\n"},  // the LF is alone in the next block
      {std::string(14, 'x') + "\n", std::string(14, 'x') + "\r\n"},
      {std::string(15, 'x') + "\r", std::string(15, 'x') + std::string("\r\0", 2)},
      {lines, lines_sent},
      {std::string(100, '\n'), [] {
         std::string all;
         for (int i = 0; i < 100; ++i) all += "\r\n";
         return all;
       }()}};
  for (const auto& text : texts)
    for (const auto window : std::array<std::uint16_t, 4>{1, 2, 3, 16}) {
      CAPTURE(window);
      CAPTURE(text.content);
      CHECK(sent_as_text(text.content, window) == text.sent);
    }
}

TEST_CASE("a text is never answered from memory: a worker reads it") {
  const Sent sent(letters(100));
  auto blocks = sent.text();
  CHECK_FALSE(blocks.cached(text_batch(1, 1)));
  CHECK_FALSE(blocks.only_asks(text_batch(1, 1)));
}

TEST_CASE("every block of the window before may be sent again, for a text too") {
  const Sent sent(std::string(400, '\n'));
  constexpr std::uint16_t window = 4;
  auto blocks = sent.text(window);
  std::vector<Packet> all;
  for (std::uint64_t first = 1; first + window <= 48; first += window) {
    for (const auto& packet : packets_in(blocks.read(text_batch(first, first + window - 1)).packets))
      all.push_back(packet);
    for (auto again = first > window ? first - window : 1; again < first + window; ++again) {
      CAPTURE(again);
      const auto repeated = packets_in(blocks.read(text_batch(again, first + window - 1)).packets);
      CHECK(repeated == std::vector<Packet>(all.begin() + static_cast<std::ptrdiff_t>(again) - 1, all.end()));
    }
  }
  CHECK(all.size() == 44);
}

TEST_CASE("a batch that reaches beyond a text's end has its last block and no more") {
  const Sent sent(letters(20));
  auto blocks = sent.text(16);
  const auto filled = blocks.read(text_batch(1, 16));
  CHECK(packets_in(filled.packets).size() == 2);
  REQUIRE(filled.last);
  CHECK(filled.last->block == 2);
  CHECK(filled.last->size == 4);
}

TEST_CASE("bytes that no text has are noticed in the block that holds them") {
  const Sent sent(letters(20) + std::string(1, '\0') + letters(20));
  auto blocks = sent.text();
  CHECK_FALSE(blocks.read(text_batch(1, 1)).binary);
  CHECK(blocks.read(text_batch(2, 2)).binary);
}

TEST_CASE("what is written after a text's end while it is sent is not sent, and shows as a change") {
  const Sent sent(letters(20));
  auto blocks = sent.text();
  CHECK_FALSE(blocks.read(text_batch(1, 1)).changed);
  sent.append("a second part");
  const auto end = blocks.read(text_batch(2, 2));
  CHECK(end.changed);
  CHECK(packets_in(end.packets) == std::vector<Packet>{{3, 2, letters(20).substr(16)}});
}

TEST_CASE("a text that was cut or overwritten shows as a change") {
  for (const auto change : {+[](const Sent& sent) { fs::resize_file(sent.path, 17); },
                            +[](const Sent& sent) { fs::resize_file(sent.path, 0); },
                            +[](const Sent& sent) { sent.overwrite_with('y'); }}) {
    const Sent sent(letters(20));
    auto blocks = sent.text();
    REQUIRE_FALSE(blocks.read(text_batch(1, 1)).changed);
    change(sent);
    CHECK(blocks.read(text_batch(2, 2)).changed);
  }
}
