#include "server/tftp/read.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <vector>

#include "tests/unit/server/tftp/change_times.hpp"
#include "tests/unit/server/tftp/house.hpp"

using namespace server;
using test::ack;
using test::data;
using test::error_packet;
using test::numbers;
using test::oack;
using test::Options;
using test::rrq;
using test::TftpClient;
using test::TftpHouse;
namespace fs = std::filesystem;

namespace {

constexpr auto image = "/EWC/17_9_4a/ap1g8";

struct House : TftpHouse {
  explicit House(const std::string& content = numbers(5000), const Change& change = {}) : TftpHouse(change) {
    directory.write("images" + std::string(image), content);
  }
  fs::path file() const { return directory / ("images" + std::string(image)); }
  // Told when the last transfer's file was closed.
  const event::TransferEnded& ended() {
    run_until([this] { return !told.ended.empty(); });
    return told.ended.back();
  }
};

}  // namespace

TEST_CASE("a file of any size arrives whole, in lockstep and in windows, as octets and as a text") {
  struct Way {
    Options options;
    std::string mode;
    std::size_t block_size;
    unsigned window;
  };
  const std::vector<Way> ways{{{}, "octet", 512, 1},
                              {{{"blksize", "1428"}}, "OCTET", 1428, 1},
                              {{{"blksize", "64"}, {"windowsize", "4"}}, "octet", 64, 4},
                              {{{"windowsize", "16"}}, "octet", 512, 16},
                              {{}, "netascii", 512, 1},
                              {{{"blksize", "64"}, {"windowsize", "4"}}, "netascii", 64, 4}};
  for (const auto size : std::vector<std::size_t>{0, 1, 511, 512, 513, 1428, 2048, 8192, 20'000}) {
    const auto content = numbers(size);
    House house(content);
    for (const auto& way : ways) {
      CAPTURE(size);
      CAPTURE(way.mode);
      CAPTURE(way.block_size);
      TftpClient client(house);
      const auto first = client.ask(rrq(image, way.options, way.mode));
      CHECK(client.take_file(first, way.block_size, way.window) == content);
    }
    house.run_until([&] { return house.tftp.running() == 0; });
    REQUIRE(house.told.ended.size() == ways.size());
    for (const auto& ended : house.told.ended) {
      CHECK(ended.how.cause == tftp::Cause::complete);
      CHECK(ended.size == size);
      CHECK(ended.bytes == size);
    }
  }
}

TEST_CASE("options are answered as far as the administrator allows them, in the client's words and order") {
  struct Row {
    Options asked, answered;
  };
  for (const auto& row : std::vector<Row>{
           {{{"tsize", "0"}}, {{"tsize", "5000"}}},
           {{{"BLKSIZE", "1400"}, {"TSize", "0"}}, {{"BLKSIZE", "1000"}, {"TSize", "5000"}}},
           {{{"windowsize", "33"}}, {{"windowsize", "32"}}},
           {{{"windowsize", "32"}, {"blksize", "8"}}, {{"windowsize", "32"}, {"blksize", "8"}}},
           {{{"blksize", "7"}, {"tsize", "0"}}, {{"tsize", "5000"}}},
       }) {
    House house(numbers(5000), [](conf::Settings& settings) {
      settings.tftp.max_block_size = 1000;
      settings.tftp.max_window = 32;
    });
    TftpClient client(house);
    CHECK(client.ask(rrq(image, row.asked)) == oack(row.answered));
  }
}

TEST_CASE("a window has a megabyte at most, and 64 KiB where its port can be guessed") {
  struct Row {
    bool single_port;
    std::string block_size, window;
  };
  for (const auto& row : std::vector<Row>{{false, "65464", "16"},
                                          {false, "1024", "1024"},
                                          {false, "1025", "1023"},
                                          {true, "65464", "1"},
                                          {true, "512", "128"},
                                          {true, "513", "127"}}) {
    House house(numbers(5000), [&row](conf::Settings& settings) {
      settings.tftp.max_window = 3000;
      settings.tftp.single_port = row.single_port;
    });
    TftpClient client(house);
    CHECK(client.ask(rrq(image, {{"windowsize", "3000"}, {"blksize", row.block_size}})) ==
          oack({{"windowsize", row.window}, {"blksize", row.block_size}}));
  }
}

TEST_CASE("a window that is larger than what one turn sends goes out whole") {
  const auto content = numbers(600'000);
  House house(content);
  TftpClient client(house);
  REQUIRE(client.ask(rrq(image, {{"blksize", "8192"}, {"windowsize", "64"}})) ==
          oack({{"blksize", "8192"}, {"windowsize", "64"}}));
  client.reply(ack(0));
  std::string got;
  for (unsigned have = 0; got.size() < content.size();) {
    const auto packet = client.receive();
    REQUIRE(test::opcode_of(packet) == 3);
    const bool next = test::number_in(packet, 2) == have + 1;
    if (next) got += packet.substr(4), ++have;
    // A client's socket may have been full: then the rest comes again.
    if (!next || have % 64 == 0 || got.size() == content.size()) client.reply(ack(have));
  }
  CHECK(got == content);
  CHECK(house.ended().how.cause == tftp::Cause::complete);
}

TEST_CASE("a text has this system's line ends turned into CR LF, and its size is not told") {
  House house("one\ntwo\n");
  TftpClient client(house);
  CHECK(client.ask(rrq(image, {{"tsize", "0"}}, "netascii")) == data(1, "one\r\ntwo\r\n"));
  client.reply(ack(1));
  const auto& ended = house.ended();
  CHECK(ended.how.cause == tftp::Cause::complete);
  REQUIRE(ended.tftp);
  CHECK(ended.tftp->netascii);
  CHECK_FALSE(ended.tftp->damages);
}

TEST_CASE("an image that goes out as a text is told to be damaged") {
  House house(
      std::string("\x7f"
                  "ELF\0\n",
                  6));
  TftpClient client(house);
  CHECK(client.take_file(client.ask(rrq(image, {}, "netascii"))) == std::string("\x7f"
                                                                                "ELF\0\r\n",
                                                                                7));
  CHECK(house.ended().tftp->damages);
  CHECK(house.ended().tftp->netascii);
}

TEST_CASE("a name that means another file is served, and told with that file") {
  House house;
  TftpClient client(house);
  CHECK(client.fetch("ap1g8") == numbers(5000));
  REQUIRE(house.told.requested.size() == 1);
  CHECK(house.told.requested[0].name == "ap1g8");
  CHECK(house.told.requested[0].served == image);
  CHECK(house.ended().name == image);
  CHECK(house.ended().asked == "ap1g8");
}

TEST_CASE("what cannot be served is refused with its code and the way out") {
  House house;
  house.directory.write("images/uploads/config", "secret");
  struct Row {
    std::string name;
    unsigned code;
    std::string words;
  };
  for (const auto& row : std::vector<Row>{
           {"/Wrong-Path/ap1g8", 1, "ap1g8 is in /EWC/17_9_4a"},
           {"/EWC/17_9_4a", 1, "/EWC/17_9_4a is a directory; ask for a file in it"},
           {"", 1, "the request names no file"},
           {"../../etc/passwd", 2, "leads above /"},
           {"/EWC/a:image", 1, "holds a colon or a NUL"},
           {"/uploads/config", 2, "...; fetch it over SFTP, or set tftp.read_uploads: true"},
           {"/uploads/nothing", 2, "...; fetch it over SFTP, or set tftp.read_uploads: true"},
       }) {
    CAPTURE(row.name);
    TftpClient client(house);
    const auto answer = client.ask(rrq(row.name));
    CHECK(test::opcode_of(answer) == 5);
    CHECK(test::number_in(answer, 2) == row.code);
    CHECK(answer.find(row.words) != answer.npos);
    CHECK(answer.find(house.directory.path().string()) == answer.npos);
  }
  house.run_until([&] { return house.tftp.running() == 0; });
  CHECK(house.told.missed.size() == 7);
  CHECK(house.told.ended.empty());
}

TEST_CASE("uploads are served where the administrator says so, from the next request on") {
  House house;
  house.directory.write("images/uploads/config", "secret");
  TftpClient first(house), second(house);
  CHECK(test::opcode_of(first.ask(rrq("/uploads/config"))) == 5);
  house.change_settings([](conf::Settings& settings) { settings.tftp.read_uploads = true; });
  CHECK(second.fetch("/uploads/config") == "secret");
}

TEST_CASE("a file that changes while it is sent ends in an ERROR, and never as a whole one") {
  for (const auto change : {+[](const fs::path& file) { fs::resize_file(file, 900); },
                            +[](const fs::path& file) { fs::resize_file(file, 0); },
                            +[](const fs::path& file) { std::ofstream(file, std::ios::app) << "more"; },
                            +[](const fs::path& file) { test::change_times_of(file); }}) {
    for (const std::string mode : {"octet", "netascii"}) {
      CAPTURE(mode);
      House house(numbers(1200));
      TftpClient client(house);
      REQUIRE(client.ask(rrq(image, {}, mode)) == data(1, numbers(512)));
      change(house.file());
      auto packet = client.reply_and_receive(ack(1));
      if (test::opcode_of(packet) == 3) packet = client.reply_and_receive(ack(2));
      CHECK(packet == error_packet(0, "The file changed while it was sent"));
      CHECK(house.ended().how.cause == tftp::Cause::file_changed);
      CHECK(house.ended().bytes <= 1024);
    }
  }
}

TEST_CASE("a file that is replaced or removed while it is sent arrives as it was") {
  for (const auto change :
       {+[](const House& house) { fs::remove(house.file()); },
        +[](const House& house) { fs::rename(house.directory.write("new", "other"), house.file()); }}) {
    House house(numbers(1200));
    TftpClient client(house);
    const auto first = client.ask(rrq(image));
    change(house);
    CHECK(client.take_file(first) == numbers(1200));
    CHECK(house.ended().how.cause == tftp::Cause::complete);
  }
}

TEST_CASE("a client's ERROR ends its transfer with its words, and is not answered") {
  House house;
  TftpClient client(house);
  client.ask(rrq(image));
  client.reply(error_packet(3, "no room on flash"));
  const auto& ended = house.ended();
  CHECK(ended.how.cause == tftp::Cause::client_error);
  CHECK(ended.how.code == 3);
  CHECK(ended.how.text == "no room on flash");
  CHECK(ended.how.diagnosis == tftp::Diagnosis::client_full);
  house.settle();
  CHECK_FALSE(client.has_packet());
  CHECK(house.tftp.running() == 0);
}

TEST_CASE("a client that only asks for the size is not a failure") {
  House house;
  TftpClient client(house);
  CHECK(client.ask(rrq(image, {{"tsize", "0"}})) == oack({{"tsize", "5000"}}));
  client.reply(error_packet(0, "got it"));
  CHECK(house.ended().how.cause == tftp::Cause::size_asked);
  CHECK(house.ended().bytes == 0);
}

TEST_CASE("a request that is stopped while its file is looked up sends nothing") {
  House house;
  TftpClient client(house);
  std::promise<void> release;
  const auto released = release.get_future().share();
  for (int i = 0; i < 4; ++i) house.lanes.disk.post([released] { released.wait(); });  // all of its threads
  client.send(rrq(image));
  house.run_until([&] { return house.tftp.running() == 1; });
  house.tftp.stop_transfers();
  CHECK(house.tftp.running() == 1);  // the look-up ends it
  release.set_value();
  house.run_until([&] { return house.tftp.running() == 0; });
  house.settle();
  CHECK(house.told.order.empty());
  CHECK_FALSE(client.has_packet());
}

TEST_CASE("two clients of one image are each at their own place in it") {
  const auto content = numbers(3000);
  House house(content);
  TftpClient fast(house), slow(house);
  const auto first = slow.ask(rrq(image));
  CHECK(fast.fetch(image) == content);
  CHECK(slow.take_file(first) == content);
  house.run_until([&] { return house.tftp.running() == 0; });
  REQUIRE(house.told.ended.size() == 2);
  CHECK(house.told.ended[0].number != house.told.ended[1].number);
}

TEST_CASE("the beginning of a transfer is told when its client answers, once") {
  House house;
  TftpClient client(house);
  const auto first = client.ask(rrq(image, {{"blksize", "1024"}}));
  CHECK(house.told.began.empty());
  CHECK(house.running.rows().size() == 1);
  client.take_file(first, 1024);
  house.ended();
  REQUIRE(house.told.began.size() == 1);
  CHECK(house.told.began[0].name == image);
  CHECK(house.told.began[0].block_size == 1024);
  CHECK(house.told.began[0].size == 5000);
  CHECK(house.told.order == std::vector<std::string>{"requested", "began", "ended"});
  CHECK(house.running.rows().empty());
}
