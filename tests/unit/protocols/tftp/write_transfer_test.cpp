#include "protocols/tftp/write_transfer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

using namespace tftp;
using namespace std::chrono_literals;

namespace {

Negotiated with(std::uint16_t block_size, std::uint16_t window = 1, bool oack = false) {
  Negotiated n;
  n.block_size = block_size;
  n.window = window;
  n.request_size = 60;
  if (oack) n.accepted = {{"blksize", std::to_string(block_size)}};
  return n;
}

std::vector<std::byte> data(std::uint64_t block, std::string_view content) {
  std::vector<std::byte> packet(data_header_size);
  encode_data_header(std::span(packet).first<data_header_size>(), static_cast<std::uint16_t>(block));
  const auto bytes = std::as_bytes(std::span(content));
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  return packet;
}

// A machine and its driver: the file that was stored, and what went out in words.
struct Driven {
  Time now{};
  WriteTransfer transfer;
  std::string file;
  bool published = false;
  Finished end;

  explicit Driven(const Negotiated& n, Mode mode = Mode::octet, std::uint64_t most = 1'000'000)
      : transfer(n, mode, most, now) {}

  std::string go() {
    std::string said;
    while (const auto action = transfer.poll()) {
      if (std::holds_alternative<SendOack>(*action)) said += "oack ";
      if (const auto* ack = std::get_if<SendAck>(&*action)) said += "ack" + std::to_string(ack->number) + ' ';
      if (const auto* error = std::get_if<SendError>(&*action)) {
        said += "error" + std::to_string(static_cast<int>(error->code)) + ' ';
      }
      if (const auto* store = std::get_if<Store>(&*action)) {
        REQUIRE(store->offset == file.size());
        file.append(reinterpret_cast<const char*>(store->bytes.data()), store->bytes.size());
        transfer.stored(now);
      }
      if (std::holds_alternative<Publish>(*action)) {
        published = true;
        transfer.published(now);
      }
      if (const auto* finished = std::get_if<Finished>(&*action)) end = *finished;
      transfer.sent(now);
    }
    return said;
  }
  std::string get(std::uint64_t block, std::string_view content) {
    transfer.datagram(data(block, content), now);
    return go();
  }
  std::string expire() {
    now = transfer.deadline();
    transfer.timeout(now);
    return go();
  }
};

}  // namespace

TEST_CASE("each block is stored before it is acknowledged, and the file published before the last ACK") {
  Driven d(with(8));
  CHECK(d.go() == "ack0 ");
  d.transfer.datagram(data(1, "12345678"), d.now);
  CHECK(std::holds_alternative<Store>(d.transfer.poll().value()));
  CHECK_FALSE(d.transfer.poll());  // until the driver has done it
  d.transfer.stored(d.now);
  CHECK(std::holds_alternative<SendAck>(d.transfer.poll().value()));
  d.transfer.datagram(data(2, "9"), d.now);
  CHECK(std::holds_alternative<Store>(d.transfer.poll().value()));
  d.transfer.stored(d.now);
  CHECK(std::holds_alternative<Publish>(d.transfer.poll().value()));
  CHECK_FALSE(d.transfer.poll());
  d.transfer.published(d.now);
  CHECK(std::get<SendAck>(d.transfer.poll().value()).number == 2);
  CHECK(std::get<Finished>(d.transfer.poll().value()).cause == Cause::complete);
  CHECK(d.transfer.bytes() == 9);
}

TEST_CASE("an empty file, and one that fills its last block") {
  Driven empty(with(8, 1, true));
  CHECK(empty.go() == "oack ");
  CHECK(empty.get(1, "") == "ack1 ");
  CHECK(empty.published);
  Driven full(with(8));
  full.go();
  CHECK(full.get(1, "12345678") == "ack1 ");
  CHECK_FALSE(full.published);
  CHECK(full.get(2, "") == "ack2 ");
  CHECK(full.published);
  CHECK(full.file == "12345678");
}

TEST_CASE("trap 12b: a repeated WRQ is answered as the first one was, and only before DATA came") {
  Driven d(with(8, 1, true));
  CHECK(d.go() == "oack ");
  d.transfer.repeated(d.now + 1s);
  CHECK(d.go() == "oack ");
  CHECK(d.get(1, "12345678") == "ack1 ");
  d.transfer.repeated(d.now + 5s);
  CHECK(d.go() == "");
}

TEST_CASE("repeated DATA is acknowledged again and stored once") {
  Driven d(with(8));
  d.go();
  CHECK(d.get(1, "12345678") == "ack1 ");
  CHECK(d.get(1, "12345678") == "ack1 ");
  CHECK(d.get(1, "another!") == "ack1 ");
  CHECK(d.file == "12345678");
  CHECK(d.get(3, "too far") == "");
  CHECK(d.get(2, "9") == "ack2 ");
  CHECK(d.file == "123456789");
}

TEST_CASE("trap 9: it dallies to repeat the last ACK, and then is over") {
  Driven d(with(8));
  d.go();
  CHECK(d.get(1, "all") == "ack1 ");
  CHECK(d.transfer.ended());
  CHECK_FALSE(d.transfer.over());
  CHECK(d.get(1, "all") == "ack1 ");
  while (!d.transfer.over()) CHECK(d.expire() == "");
  CHECK(d.now - Time{} >= 6s);
  CHECK(d.now - Time{} <= 10s);
  CHECK(d.file == "all");
}

TEST_CASE("in a window one ACK answers all of it, and a gap is told at once and once") {
  Driven d(with(8, 4, true));
  d.go();
  CHECK(d.get(1, "11111111") == "");
  CHECK(d.get(2, "22222222") == "");
  CHECK(d.get(4, "44444444") == "ack2 ");
  CHECK(d.get(5, "55555555") == "");
  CHECK(d.get(3, "33333333") == "");
  CHECK(d.get(4, "44444444") == "");
  CHECK(d.get(5, "55555555") == "");
  CHECK(d.get(6, "66666666") == "ack6 ");
  CHECK(d.get(5, "55555555") == "");       // the whole window comes again, for our ACK was lost:
  CHECK(d.get(6, "66666666") == "ack6 ");  // its last block tells that it is over
  CHECK(d.get(7, "7") == "ack7 ");
  CHECK(d.file == "1111111122222222333333334444444455555555666666667");
}

TEST_CASE("of a window that stays half-filled most is stored before its ACK is due") {
  Driven d(with(1024, 64, true));
  d.go();
  const std::string block(1024, 'x');
  for (std::uint64_t number = 1; number < 64; ++number) {
    CHECK(d.get(number, block) == "");
    CHECK(number * 1024 - d.file.size() < 16 * 1024);
  }
  CHECK(d.get(64, block) == "ack64 ");
  CHECK(d.get(65, "end") == "ack65 ");
  CHECK(d.file.size() == 64 * 1024 + 3);
}

TEST_CASE("block numbers wrap, to 0 or 1") {
  for (const auto rollover : std::to_array<std::uint16_t>({0, 1})) {
    auto n = with(8);
    n.rollover = rollover;
    Driven d(n);
    d.go();
    const BlockNumbers numbers(rollover);
    for (std::uint64_t block = 1; block <= 70'000; ++block) {
      REQUIRE(d.get(numbers.wire(block), "12345678") == "ack" + std::to_string(numbers.wire(block)) + ' ');
    }
    CHECK(d.file.size() == 560'000);
  }
}

TEST_CASE("what is larger than it may be, or than was announced, or longer than a block, is refused") {
  Driven large(with(8), Mode::octet, 10);
  large.go();
  CHECK(large.get(1, "12345678") == "ack1 ");
  CHECK(large.get(2, "901") == "error3 ");
  CHECK(large.end.cause == Cause::too_large);
  CHECK_FALSE(large.published);

  Driven text(with(8), Mode::netascii, 1);
  text.go();
  CHECK(text.get(1, "x\r") == "error3 ");  // the CR at the end counts

  auto n = with(8);
  n.announced_size = 5;
  Driven shorter(n);
  shorter.go();
  CHECK(shorter.get(1, "1234") == "error0 ");
  CHECK_FALSE(shorter.published);

  n.announced_size = 10;
  Driven larger(n);
  larger.go();
  CHECK(larger.get(1, "12345678") == "ack1 ");
  CHECK(larger.get(2, "12345678") == "error3 ");  // at once, and not when the disk is full
  CHECK(larger.end.cause == Cause::wrong_size);
  CHECK_FALSE(larger.published);

  Driven longer(with(8));
  longer.go();
  CHECK(longer.get(1, "123456789") == "error4 ");
  CHECK(longer.transfer.over());
  CHECK(longer.end.cause == Cause::long_block);
  CHECK(longer.end.by() == protocols::EndedBy::server);
}

TEST_CASE("what was not asked for does not end an upload: ACK 0 to the OACK, an OACK, unknown opcodes") {
  Driven d(with(8, 1, true));
  CHECK(d.go() == "oack ");
  for (const auto opcode : {0, 1, 4, 6, 7, 255}) {
    const std::array packet{std::byte{0}, static_cast<std::byte>(opcode), std::byte{0}, std::byte{0}};
    d.transfer.datagram(packet, d.now);
    CHECK(d.go() == "");
  }
  CHECK_FALSE(d.transfer.answered());  // so that it may not be sent more than an unknown address may
  CHECK(d.get(1, "12345678") == "ack1 ");
  CHECK(d.get(2, "9") == "ack2 ");
  CHECK(d.published);
}

TEST_CASE("a client that stops where 16 bits for a block's number end cannot count further") {
  Driven d(with(8));
  d.go();
  for (std::uint64_t block = 1; block <= 65'535; ++block) d.get(block, "12345678");
  while (!d.transfer.over()) d.expire();
  CHECK(d.end.diagnosis == Diagnosis::cannot_count);
}

TEST_CASE("bytes that no text has are noticed in netascii") {
  Driven text(with(8), Mode::netascii), image(with(8), Mode::netascii);
  text.go();
  text.get(1, std::string_view("a\r\0b\r\n", 6));
  CHECK_FALSE(text.transfer.is_binary());
  image.go();
  image.get(1, std::string_view("MZ\0\3", 4));
  CHECK(image.transfer.is_binary());
}

TEST_CASE("trap 25: a disk that fails ends it with its code, and nothing is published") {
  Driven d(with(8));
  d.go();
  d.transfer.datagram(data(1, "12345678"), d.now);
  d.transfer.poll();
  d.transfer.failed(ErrorCode::disk_full, "Disk full or allocation exceeded");
  CHECK(d.go() == "error3 ");
  CHECK(d.end.cause == Cause::unwritable);
  CHECK(d.transfer.over());
}

TEST_CASE("while the disk is busy not more than a window is taken in") {
  Driven d(with(8, 2));
  d.go();
  d.transfer.datagram(data(1, "11111111"), d.now);
  d.transfer.datagram(data(2, "22222222"), d.now);
  const auto store = std::get<Store>(d.transfer.poll().value());
  for (std::uint64_t block = 3; block < 100; ++block) d.transfer.datagram(data(block, "xxxxxxxx"), d.now);
  CHECK(store.bytes.size() == 16);  // and what the driver holds stays where it is
  CHECK(d.transfer.bytes() == 16);
}

TEST_CASE("a slow disk is no slow client") {
  Driven d(with(8));
  d.go();
  d.transfer.datagram(data(1, "12345678"), d.now);
  d.transfer.poll();
  d.now += std::chrono::hours(1);
  d.transfer.timeout(d.now);
  d.transfer.stored(d.now);
  CHECK(d.go() == "ack1 ");
  CHECK(d.expire() == "ack1 ");
}

TEST_CASE("a silent client is asked again, and then given up") {
  Driven d(with(8));
  CHECK(d.go() == "ack0 ");
  int asked = 0;
  while (!d.transfer.over()) asked += d.expire() == "ack0 ";
  CHECK(asked > 0);
  CHECK(asked <= 5);
  CHECK(d.end.cause == Cause::silence);
  CHECK(d.end.diagnosis == Diagnosis::nothing_came_back);
  CHECK(d.now - Time{} == 30s);

  Driven later(with(8));
  later.go();
  later.get(1, "12345678");
  CHECK(later.expire() == "ack1 ");
  while (!later.transfer.over()) later.expire();
  CHECK(later.now - Time{} == 63s);
  CHECK_FALSE(later.published);
}

TEST_CASE("the client's ERROR, and the server's end") {
  Driven aborted(with(8));
  aborted.go();
  const std::string error("\0\5\0\3disk\0", 9);
  aborted.transfer.datagram(std::as_bytes(std::span(error)), aborted.now);
  CHECK(aborted.go() == "");
  CHECK(aborted.end.cause == Cause::client_error);
  CHECK(aborted.end.text == "disk");

  Driven stopped(with(8));
  stopped.go();
  stopped.transfer.stop();
  CHECK(stopped.go() == "error0 ");
  CHECK(stopped.end.cause == Cause::shutdown);

  Driven done(with(8));
  done.go();
  done.get(1, "x");
  done.transfer.stop();
  CHECK(done.transfer.over());
  CHECK(done.end.cause == Cause::complete);
}

TEST_CASE("trap 14: a text is stored with this system's line ends") {
  Driven d(with(8), Mode::netascii);
  d.go();
  CHECK(d.get(1, std::string_view("one\r\ntw\r", 8)) == "ack1 ");
  CHECK(d.get(2, std::string_view("\0\n\r", 3)) == "ack2 ");
  CHECK(d.file == "one\ntw\r\n\r");
}
