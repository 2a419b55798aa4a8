#include "server/probe/tftp_fetch.hpp"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/server/probe/tftp_script.hpp"

using namespace server;
using namespace std::chrono_literals;
using probe::fetch_tftp, probe::TftpAnswer, probe::TftpQuestion;
using test::data_packet, test::error_packet, test::oack_packet, test::Packet, test::TftpScript,
    test::Transfer;
using How = tftp::GetEnding::How;

namespace {

constexpr auto patient = 60s;
constexpr auto everything = std::numeric_limits<std::uint64_t>::max();
const std::vector<tftp::Option> asked{{"tsize", "0"}, {"blksize", "1000"}};

// What came of one download, and the file.
struct Fetched {
  TftpAnswer answer;
  std::string file;
  std::optional<std::uint64_t> announced;  // as it was told along with the bytes
};

Fetched fetch(const udp::endpoint& server, std::vector<tftp::Option> options = {},
              std::chrono::milliseconds patience = patient, std::uint64_t most_blocks = everything) {
  Fetched fetched;
  fetched.answer =
      fetch_tftp({server, "/EWC/ap1g8", std::move(options), patience, most_blocks},
                 [&](std::span<const std::byte> bytes, std::optional<std::uint64_t> announced) {
                   fetched.file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                   fetched.announced = announced;
                 });
  return fetched;
}

std::string numbers(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + ' ';
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("a file comes from the server's new port, with the options that it took") {
  const auto content = numbers(2500);
  udp::endpoint answered;
  TftpScript server([&](Transfer& transfer) {
    answered = transfer.endpoint();
    transfer.say(oack_packet({{"tsize", "2500"}, {"BlkSize", "900"}}));
    if (transfer.hears_ack(0)) transfer.send(content, 900);
  });
  const auto fetched = fetch(server.endpoint(), asked);
  const auto requests = server.requests();
  const auto& answer = fetched.answer;
  CHECK(fetched.file == content);
  CHECK(fetched.announced == 2500);
  CHECK(answer.ending.how == How::whole);
  CHECK(answer.peer == answered);
  CHECK(answer.announced == 2500);
  CHECK(answer.block_size == 900);
  CHECK(answer.blocks == 3);
  CHECK(answer.bytes == 2500);
  REQUIRE(answer.given);
  REQUIRE(answer.given->size() == 2);
  CHECK(answer.given->back().name == "BlkSize");
  CHECK_FALSE(answer.stranger);
  REQUIRE(answer.answered_after);
  CHECK(*answer.answered_after <= answer.seconds);
  REQUIRE_FALSE(requests.empty());
  CHECK_FALSE(requests.front().write);
  CHECK(requests.front().filename == "/EWC/ap1g8");
  CHECK(requests.front().mode == tftp::Mode::octet);
  REQUIRE(requests.front().options.size() == 2);
  CHECK(requests.front().options.front().name == "tsize");
  CHECK(requests.front().options.back().value == "1000");
}

TEST_CASE("a server that passes over the options sends blocks of 512 bytes") {
  const auto content = numbers(1024);  // so the last block is empty
  TftpScript server([&](Transfer& transfer) { transfer.send(content, 512); });
  const auto fetched = fetch(server.endpoint(), asked);
  CHECK(fetched.file == content);
  CHECK_FALSE(fetched.announced);
  CHECK_FALSE(fetched.answer.given);
  CHECK(fetched.answer.ending.how == How::whole);
  CHECK(fetched.answer.blocks == 3);
  CHECK(fetched.answer.block_size == 512);
}

TEST_CASE("a client that has seen enough says so, and takes no further block") {
  Packet last_word;
  TftpScript server([&](Transfer& transfer) {
    transfer.say(data_packet(1, numbers(512)));
    if (!transfer.hears_ack(1)) return;
    transfer.say(data_packet(2, numbers(512)));
    for (last_word = transfer.hear(); last_word.size() == 4; last_word = transfer.hear()) continue;
  });
  const auto fetched = fetch(server.endpoint(), {}, patient, 2);
  static_cast<void>(server.requests());
  CHECK(fetched.answer.ending.how == How::stopped);
  CHECK(fetched.answer.blocks == 2);
  CHECK(fetched.file == numbers(512) + numbers(512));
  CHECK(last_word == error_packet(0, "The client has seen enough"));
}

TEST_CASE("another address that answers is noted, and what it sends is not taken") {
  TftpScript server([&](Transfer& transfer) {
    test::Speaker other(net::ip::make_address("127.0.0.2"), transfer.client);
    other.say(data_packet(1, "wrong"));
    transfer.say(data_packet(1, "right"));
    transfer.hears_ack(1);
  });
  const auto fetched = fetch(server.endpoint());
  CHECK(fetched.file == "right");
  CHECK(fetched.answer.stranger == net::ip::make_address("127.0.0.2"));
  CHECK(fetched.answer.peer.value().address() == net::ip::address_v4::loopback());
}

TEST_CASE("another port of the server gets ERROR 5, and the transfer goes on") {
  Packet refusal;
  bool went_on = false;
  TftpScript server([&](Transfer& transfer) {
    transfer.say(data_packet(1, numbers(512)));
    if (!transfer.hears_ack(1)) return;
    test::Speaker other(net::ip::address_v4::loopback(), transfer.client);
    other.say(data_packet(2, "wrong"));
    refusal = other.hear();
    transfer.say(data_packet(2, "right"));
    went_on = transfer.hears_ack(2);
  });
  const auto fetched = fetch(server.endpoint());
  static_cast<void>(server.requests());
  CHECK(fetched.answer.ending.how == How::whole);
  CHECK(fetched.file == numbers(512) + "right");
  CHECK(went_on);
  CHECK(refusal == error_packet(5, tftp::text_of(tftp::ErrorCode::unknown_transfer_id)));
}

TEST_CASE("garbage is passed over, and the answer after it is taken") {
  TftpScript server([&](Transfer& transfer) {
    for (const auto& junk : {Packet{}, test::packet_of(std::string("\0", 1)),
                             test::packet_of(std::string("\0\3\0", 3)), Packet(600, std::byte{0xff}),
                             test::packet_of(std::string("\0\1x\0octet\0", 10)), data_packet(7, "early")})
      transfer.say(junk);
    transfer.send("right", 512);
  });
  const auto fetched = fetch(server.endpoint());
  CHECK(fetched.answer.ending.how == How::whole);
  CHECK(fetched.file == "right");
  CHECK(fetched.answer.early_number == 7);
}

TEST_CASE("a server's ERROR ends it with its code and its words, raw") {
  TftpScript server([&](Transfer& transfer) { transfer.say(error_packet(3, "disk \x1b[31mfull\xff")); });
  const auto fetched = fetch(server.endpoint(), asked);
  CHECK(fetched.answer.ending.how == How::error);
  CHECK(fetched.answer.ending.code == 3);
  CHECK(fetched.answer.ending.text == "disk \x1b[31mfull\xff");
  CHECK(fetched.answer.peer);
  CHECK(fetched.answer.blocks == 0);
}

TEST_CASE("an OACK that nobody asked for is refused, and the server hears why") {
  Packet refusal;
  TftpScript server([&](Transfer& transfer) {
    transfer.say(oack_packet({{"blksize", "9000"}}));
    refusal = transfer.hear();
  });
  const auto fetched = fetch(server.endpoint(), asked);
  static_cast<void>(server.requests());
  CHECK(fetched.answer.ending.how == How::bad_options);
  CHECK(fetched.answer.ending.text == "blksize 9000 is not an answer to 1000");
  CHECK(refusal == error_packet(8, tftp::text_of(tftp::ErrorCode::option_refused)));
}

TEST_CASE("a silent server has been asked once for as long as patience lasts") {
  TftpScript server([](Transfer&) {});
  const auto fetched = fetch(server.endpoint(), {}, 30ms);
  CHECK(fetched.answer.ending.how == How::silence);
  CHECK_FALSE(fetched.answer.peer);
  CHECK_FALSE(fetched.answer.answered_after);
  CHECK(fetched.answer.seconds >= 0.03);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a closed port is told at once, and one that closes half way as well") {
  net::io_context loop;
  const auto closed = udp::socket(loop, udp::endpoint(net::ip::address_v4::loopback(), 0)).local_endpoint();
  const auto refused = fetch(closed);
  CHECK(refused.answer.ending.how == How::port_closed);
  CHECK_FALSE(refused.answer.peer);
  TftpScript server([&](Transfer& transfer) {
    transfer.say(data_packet(1, numbers(512)));
    transfer.close();
  });
  const auto broken = fetch(server.endpoint());
  CHECK(broken.answer.ending.how == How::port_closed);
  CHECK(broken.answer.peer);
  CHECK(broken.answer.blocks == 1);
}

TEST_CASE("what this host cannot send is an ending of its own, and comes at once") {
  const auto fetched = fetch(udp::endpoint(net::ip::address_v4::broadcast(), 69));
  CHECK(fetched.answer.unsendable);
  CHECK(fetched.answer.bytes == 0);
  CHECK_FALSE(fetched.answer.peer);
}
