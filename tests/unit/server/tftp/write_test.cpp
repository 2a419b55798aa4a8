#include "server/tftp/write.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/held_workers.hpp"
#include "tests/unit/server/tftp/house.hpp"

using namespace server;
using test::ack;
using test::content_of;
using test::data;
using test::error_packet;
using test::numbers;
using test::oack;
using test::Options;
using test::TftpClient;
using test::TftpHouse;
using test::wrq;
namespace fs = std::filesystem;

namespace {

struct House : TftpHouse {
  explicit House(const Change& change = {})
      : TftpHouse([&change](conf::Settings& changed) {
          changed.tftp.uploads = true;
          if (change) change(changed);
        }) {}

  const event::TransferEnded& ended() {
    run_until([this] { return !told.ended.empty(); });
    return told.ended.back();
  }
  void run_until_nothing_is_staged() {
    run_until([this] { return stages_nothing(); });
  }
};

// Sends a file, whose upload was accepted, and returns the last answer.
std::string send_file(TftpClient& client, const std::string& content, std::size_t block_size = 512,
                      unsigned window = 1) {
  for (unsigned block = 1;; ++block) {
    const auto bytes = content.substr(std::min((block - 1) * block_size, content.size()), block_size);
    client.reply(data(block, bytes));
    const bool last = bytes.size() < block_size;
    if (!last && block % window != 0) continue;
    const auto answer = client.receive();
    if (last || answer != ack(block)) return answer;
  }
}

unsigned last_block(std::size_t size, std::size_t block_size = 512) {
  return static_cast<unsigned>(size / block_size + 1);
}

}  // namespace

TEST_CASE("a file of any size arrives whole, in lockstep and in windows") {
  struct Way {
    Options options;
    std::size_t block_size;
    unsigned window;
  };
  for (const auto& way : std::vector<Way>{{{}, 512, 1},
                                          {{{"blksize", "1428"}}, 1428, 1},
                                          {{{"blksize", "64"}, {"windowsize", "4"}}, 64, 4},
                                          {{{"windowsize", "16"}}, 512, 16}}) {
    House house;
    for (const auto size : std::vector<std::size_t>{0, 1, 511, 512, 513, 1428, 8192, 9999}) {
      CAPTURE(size);
      CAPTURE(way.block_size);
      const auto content = numbers(size);
      const auto name = "file-" + std::to_string(size);
      TftpClient client(house);
      CHECK(client.ask(wrq("/uploads/" + name, way.options)) ==
            (way.options.empty() ? ack(0) : oack(way.options)));
      CHECK(send_file(client, content, way.block_size, way.window) == ack(last_block(size, way.block_size)));
      CHECK(content_of(house.uploaded(name)) == content);
    }
    for (const auto& ended : house.told.ended) {
      CHECK(ended.how.cause == tftp::Cause::complete);
      CHECK(ended.write);
      CHECK(ended.size == std::nullopt);
    }
    CHECK(house.told.ended.size() == 8);
  }
}

TEST_CASE("an upload is told with its name below uploads and the size that its client announced") {
  House house;
  TftpClient client(house);
  CHECK(client.ask(wrq("uploads/crash", {{"tsize", "600"}})) == oack({{"tsize", "600"}}));
  CHECK(send_file(client, numbers(600)) == ack(2));
  REQUIRE(house.told.requested.size() == 1);
  CHECK(house.told.requested[0].write);
  const auto& ended = house.ended();
  CHECK(ended.asked == "uploads/crash");
  CHECK(ended.name == "/uploads/crash");
  CHECK(ended.size == 600);
  CHECK(ended.bytes == 600);
  CHECK_FALSE(ended.tftp->damages);
}

TEST_CASE("nobody sees a file before its last block was acknowledged") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  CHECK(client.reply_and_receive(data(1, numbers(512))) == ack(1));
  CHECK_FALSE(fs::exists(house.uploaded("new")));
  CHECK_FALSE(house.stages_nothing());
  CHECK(client.reply_and_receive(data(2, "end")) == ack(2));
  CHECK(content_of(house.uploaded("new")) == numbers(512) + "end");
}

TEST_CASE("what may not be written is refused before its first block, with the way out") {
  struct Row {
    std::string name;
    unsigned code;
    std::string words;
  };
  House house;
  house.directory.write("images/uploads/there", "the first");
  fs::create_directory(house.uploaded("folder"));
  for (const auto& row : std::vector<Row>{
           {"/new", 2, "/new is not below /uploads; write /uploads/new"},
           {"/EWC/17_9_4a/ap1g8", 2, "is not below /uploads; write /uploads/ap1g8"},
           {"/uploads/../new", 2, "/new is not below /uploads"},
           {"/uploads", 2, "/uploads is not below /uploads"},
           {"../new", 2, "nothing above it is served"},
           {"/uploads/there", 6, "/uploads/there is there already; nothing is overwritten"},
           {"/uploads/folder", 6, "is there already"},
           {"/uploads/missing/new", 1, "there is no folder /uploads/missing; an upload makes no folders"},
           {"/uploads/a:new", 1, "holds a colon or a NUL"},
           {"", 1, "the request names no file"},
       }) {
    CAPTURE(row.name);
    TftpClient client(house);
    const auto answer = client.ask(wrq(row.name));
    CHECK(test::opcode_of(answer) == 5);
    CHECK(test::number_in(answer, 2) == row.code);
    CHECK(answer.find(row.words) != answer.npos);
  }
  house.run_until([&] { return house.tftp.running() == 0; });
  CHECK(content_of(house.uploaded("there")) == "the first");
  CHECK(house.stages_nothing());
  CHECK(house.told.ended.empty());
}

TEST_CASE("where uploads are not accepted the key that allows them is told, and a reload takes effect") {
  House house([](conf::Settings& settings) { settings.tftp.uploads = false; });
  TftpClient first(house), second(house);
  CHECK(first.ask(wrq("/uploads/new")) ==
        error_packet(2, "Access denied: uploads are not accepted; tftp.uploads allows them"));
  house.change_settings([](conf::Settings& settings) { settings.tftp.uploads = true; });
  CHECK(second.ask(wrq("/uploads/new")) == ack(0));
}

TEST_CASE("a size that is announced is refused beyond tftp.max_upload, and taken at it") {
  House house([](conf::Settings& settings) { settings.tftp.max_upload = 600; });
  TftpClient first(house), second(house);
  CHECK(first.ask(wrq("/uploads/new", {{"tsize", "601"}})) ==
        error_packet(
            3, "Disk full or allocation exceeded: 601 bytes are announced, and tftp.max_upload is 600"));
  CHECK(second.ask(wrq("/uploads/new", {{"tsize", "600"}})) == oack({{"tsize", "600"}}));
  CHECK(send_file(second, numbers(600)) == ack(2));
  CHECK(fs::file_size(house.uploaded("new")) == 600);
}

TEST_CASE("a file that grows beyond what it may is broken off, and nothing of it is left") {
  struct Row {
    Options options;
    std::size_t size;
    std::string words;
    tftp::Cause cause;
  };
  for (const auto& row : std::vector<Row>{
           {{}, 1001, "The file is larger than tftp.max_upload allows", tftp::Cause::too_large},
           {{{"tsize", "900"}},
            901,
            "The file is larger than the tsize that was announced",
            tftp::Cause::wrong_size},
       }) {
    CAPTURE(row.words);
    House house([](conf::Settings& settings) { settings.tftp.max_upload = 1000; });
    TftpClient client(house);
    client.ask(wrq("/uploads/new", row.options));
    CHECK(send_file(client, numbers(row.size)) == error_packet(3, row.words));
    CHECK(house.ended().how.cause == row.cause);
    house.run_until_nothing_is_staged();
    CHECK_FALSE(fs::exists(house.uploaded("new")));
    CHECK(house.tftp.running() == 0);
  }
}

TEST_CASE("a file that is shorter than was announced is not published") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new", {{"tsize", "900"}}));
  CHECK(send_file(client, numbers(899)) ==
        error_packet(0, "The file's size is not the tsize that was announced"));
  house.run_until_nothing_is_staged();
  CHECK_FALSE(fs::exists(house.uploaded("new")));
}

TEST_CASE("a bound of all uploads ends the one that meets it, with the key, and the administrator is told") {
  House house([](conf::Settings& settings) { settings.uploads.max_total = 1000; });
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  CHECK(send_file(client, numbers(1001)) ==
        error_packet(3, "Disk full or allocation exceeded: uploads.max_total leaves no room for it"));
  CHECK(house.ended().how.cause == tftp::Cause::unwritable);
  CHECK(house.ended().how.code == 3);
  REQUIRE(house.told.warned.size() == 1);
  CHECK(house.told.warned[0].kind == Warning::unwritable);
  CHECK(house.told.warned[0].text == "an upload cannot be written: uploads.max_total leaves no room for it");
  house.run_until_nothing_is_staged();
  house.settle();
  TftpClient other(house);  // what was taken is free again
  other.ask(wrq("/uploads/new"));
  CHECK(send_file(other, numbers(1000)) == ack(2));
}

TEST_CASE("a bound that is met at the beginning is told there") {
  for (const auto& [change, key] : std::vector<std::pair<TftpHouse::Change, std::string>>{
           {[](conf::Settings& settings) { settings.uploads.max_files = 1; }, "uploads.max_files is reached"},
           {[](conf::Settings& settings) { settings.uploads.max_total = 2000; },
            "uploads.max_total leaves no room for it"}}) {
    House house(change);
    house.directory.write("images/uploads/old", numbers(1500));
    TftpClient client(house);
    CHECK(client.ask(wrq("/uploads/new", {{"tsize", "501"}})) ==
          error_packet(3, "Disk full or allocation exceeded: /uploads/new cannot be written; " + key));
  }
}

TEST_CASE("a file that appears while it is sent is not replaced, and that is not the disk's fault") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  house.directory.write("images/uploads/new", "the administrator's");
  CHECK(send_file(client, "the client's") == error_packet(6, "File already exists"));
  CHECK(content_of(house.uploaded("new")) == "the administrator's");
  CHECK(house.ended().how.cause == tftp::Cause::unwritable);
  CHECK(house.told.warned.empty());
  house.run_until_nothing_is_staged();
}

TEST_CASE("of two clients that send the same name at once the first to end has it") {
  House house;
  TftpClient first(house), second(house);
  first.ask(wrq("/uploads/new"));
  second.ask(wrq("/uploads/new"));
  CHECK(send_file(second, "second") == ack(1));
  CHECK(send_file(first, "first") == error_packet(6, "File already exists"));
  CHECK(content_of(house.uploaded("new")) == "second");
}

TEST_CASE("uploads of one address wait for a part of the workers, and reads do not wait for them") {
  House house;
  house.directory.write("images/file", numbers(1000));
  TftpClient client(house), reader(house);
  const auto address = client.endpoint().address();
  test::HeldWorkers beginning(house.lanes.changing, address, 1);
  client.send(wrq("/uploads/new"));
  CHECK(reader.fetch("file") == numbers(1000));
  CHECK(house.stages_nothing());
  beginning.let_go();
  client.await(ack(0));
  test::HeldWorkers storing(house.lanes.storing, address, 2);
  client.reply(data(1, "all of it"));
  CHECK(reader.fetch("file") == numbers(1000));
  CHECK_FALSE(fs::exists(house.uploaded("new")));
  storing.let_go();
  client.await(ack(1));
  CHECK(content_of(house.uploaded("new")) == "all of it");
  house.settle();
}

TEST_CASE("a client that gives up leaves nothing") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  client.reply_and_receive(data(1, numbers(512)));
  client.reply(error_packet(0, "enough"));
  CHECK(house.ended().how.cause == tftp::Cause::client_error);
  CHECK(house.ended().how.text == "enough");
  CHECK(house.ended().bytes == 512);
  house.run_until_nothing_is_staged();
  CHECK_FALSE(fs::exists(house.uploaded("new")));
  CHECK(house.tftp.running() == 0);
}

TEST_CASE("a block that is longer than was agreed ends its upload") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new", {{"blksize", "64"}}));
  CHECK(client.reply_and_receive(data(1, numbers(65))) ==
        error_packet(4, "DATA is longer than the block size"));
  CHECK(house.ended().how.cause == tftp::Cause::long_block);
  house.run_until_nothing_is_staged();
}

TEST_CASE("a block that comes twice is stored once and acknowledged again") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  for (const auto& [packet, answer] : std::vector<std::pair<std::string, std::string>>{
           {data(1, numbers(512)), ack(1)}, {data(2, "end"), ack(2)}})
    for (int i = 0; i < 2; ++i) {
      client.reply(packet);
      CHECK(client.receive() == answer);
    }
  CHECK(content_of(house.uploaded("new")) == numbers(512) + "end");
  CHECK(house.told.ended.size() == 1);
}

TEST_CASE(
    "who sent all of a file has its last block acknowledged until the server ends, which waits for nobody") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  CHECK(send_file(client, "content") == ack(1));
  CHECK(house.tftp.running() == 1);
  bool empty = false;
  house.tftp.when_empty([&] { empty = true; });
  house.tftp.stop_listening();
  CHECK(house.tftp.running() == 0);
  CHECK(empty);
  CHECK(house.told.ended.size() == 1);
}

TEST_CASE("a server that ends tells the client of a running upload, and leaves nothing of it") {
  House house;
  TftpClient client(house);
  client.ask(wrq("/uploads/new"));
  client.reply_and_receive(data(1, numbers(512)));
  house.tftp.stop_listening();
  CHECK(house.tftp.running() == 1);
  house.tftp.stop_transfers();
  CHECK(client.receive() == error_packet(0, "The server is shutting down"));
  CHECK(house.tftp.running() == 0);
  house.run_until_nothing_is_staged();
}

TEST_CASE("a text is stored with this system's line ends, and bytes that no text has are noticed") {
  House house;
  TftpClient text(house), image(house);
  text.ask(wrq("/uploads/text", {}, "netascii"));
  CHECK(send_file(text, std::string("one\r\ntwo\r\0three\r\n", 17)) == ack(1));
  CHECK(content_of(house.uploaded("text")) == "one\ntwo\rthree\n");
  CHECK(house.ended().tftp->netascii);
  CHECK_FALSE(house.ended().tftp->damages);
  image.ask(wrq("/uploads/image", {}, "netascii"));
  CHECK(send_file(image, std::string("a\0b", 3)) == ack(1));
  REQUIRE(house.told.ended.size() == 2);
  CHECK(house.told.ended[1].tftp->damages);
}

TEST_CASE("a window is bounded by what the socket of an upload has room for") {
  House house([](conf::Settings& settings) { settings.tftp.max_window = 3000; });
  for (const auto& [block_size, window] : std::vector<std::pair<std::string, std::string>>{
           {"8192", "8"}, {"512", "128"}, {"513", "127"}, {"65464", "1"}}) {
    TftpClient client(house);
    CHECK(client.ask(wrq("/uploads/" + block_size, {{"windowsize", "3000"}, {"blksize", block_size}})) ==
          oack({{"windowsize", window}, {"blksize", block_size}}));
  }
}

TEST_CASE("an alias leads a write to uploads") {
  House house([](conf::Settings& settings) {
    settings.lookup.aliases.push_back(
        {storage::Path::parse("/backup").value(), storage::Path::parse("/uploads/site").value()});
  });
  fs::create_directories(house.uploaded("site"));
  TftpClient client(house);
  CHECK(client.ask(wrq("/backup/new")) == ack(0));
  CHECK(send_file(client, "content") == ack(1));
  CHECK(content_of(house.uploaded("site/new")) == "content");
  CHECK(house.told.requested[0].served == "/uploads/site/new");
}
