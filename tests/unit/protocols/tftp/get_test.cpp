#include "protocols/tftp/get.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace tftp;
using namespace std::chrono_literals;
using How = GetEnding::How;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> data(std::uint16_t number, std::string_view content) {
  std::vector<std::byte> packet(data_header_size);
  encode_data_header(std::span(packet).first<data_header_size>(), number);
  const auto bytes = bytes_of(content);
  packet.insert(packet.end(), bytes.begin(), bytes.end());
  return packet;
}

std::vector<std::byte> oack(std::vector<Option> accepted) {
  Negotiated negotiated;
  negotiated.accepted = std::move(accepted);
  return encode_oack(negotiated);
}

const std::vector<Option> asked{{"tsize", "0"}, {"blksize", "1428"}, {"timeout", "5"}, {"windowsize", "1"}};

const std::vector<Option> none;

// A machine and its driver: the file that arrived, and what went out in words.
struct Driven {
  Time now{};
  Get get;
  std::string file;

  explicit Driven(std::vector<Option> options = asked, std::chrono::milliseconds patience = 25s)
      : get(std::move(options), patience, now) {}

  std::string go() {
    std::string said;
    while (const auto action = get.poll()) {
      if (std::holds_alternative<SendRequest>(*action)) said += "request ";
      if (const auto* ack = std::get_if<SendAck>(&*action)) said += "ack" + std::to_string(ack->number) + ' ';
      if (const auto* error = std::get_if<SendError>(&*action))
        said += "error" + std::to_string(static_cast<int>(error->code)) + ' ';
      if (const auto* arrived = std::get_if<Arrived>(&*action))
        file.append(reinterpret_cast<const char*>(arrived->bytes.data()), arrived->bytes.size());
    }
    return said;
  }
  std::string take(const std::vector<std::byte>& packet) {
    get.datagram(packet, now);
    return go();
  }
  std::string expire() {
    now = get.deadline();
    get.timeout(now);
    return go();
  }
  How how() const { return get.ending().value().how; }
};

}  // namespace

TEST_CASE("a file comes block by block, each acknowledged, as large as was agreed") {
  Driven d;
  CHECK(d.go() == "request ");
  CHECK(d.take(oack({{"tsize", "10"}, {"BLKSIZE", "8"}})) == "ack0 ");
  CHECK(d.get.announced_size() == 10);
  CHECK(d.get.block_size() == 8);
  CHECK(d.take(data(1, "12345678")) == "ack1 ");
  CHECK_FALSE(d.get.ending());
  CHECK(d.take(data(2, "90")) == "ack2 ");
  CHECK(d.how() == How::whole);
  CHECK(d.file == "1234567890");
  CHECK(d.get.blocks() == 2);
  CHECK(d.get.bytes() == 10);
  CHECK(d.get.resent() == 0);
}

TEST_CASE("a server that knows no options sends blocks of 512 bytes, and an empty file is one") {
  Driven d;
  d.go();
  CHECK(d.take(data(1, std::string(512, 'x'))) == "ack1 ");
  CHECK_FALSE(d.get.oack());
  CHECK(d.take(data(2, "")) == "ack2 ");
  CHECK(d.how() == How::whole);
  CHECK(d.file.size() == 512);
  Driven empty(none);
  empty.go();
  CHECK(empty.take(data(1, "")) == "ack1 ");
  CHECK(empty.how() == How::whole);
}

TEST_CASE("what does not come is asked for again, ever more slowly, until patience ends") {
  Driven d;
  d.go();
  std::string waits;
  for (auto before = d.now; !d.get.ending(); before = d.now) {
    d.expire();
    waits += std::to_string((d.now - before) / 1s) + ' ';
  }
  CHECK(waits == "1 2 4 5 5 5 3 ");
  CHECK(d.how() == How::silence);
  CHECK_FALSE(d.get.answered());
  CHECK(d.get.resent() == 6);
  d.get.timeout(d.now + 1h);
  CHECK(d.go() == "");
}

TEST_CASE("once it was answered it acknowledges again, and has new patience after each block") {
  Driven d(none, 10s);
  d.go();
  d.now += 9s;
  d.take(data(1, std::string(512, 'x')));
  CHECK(d.expire() == "ack1 ");
  d.now += 7s;
  d.take(data(2, std::string(512, 'x')));
  while (!d.get.ending()) d.expire();
  CHECK(d.how() == How::silence);
  CHECK(d.now - Time{} == 27s);
  CHECK(d.get.blocks() == 2);
}

TEST_CASE("a deadline is not there before its time") {
  Driven d;
  d.go();
  d.get.timeout(d.get.deadline() - 1ms);
  CHECK(d.go() == "");
}

TEST_CASE("a repeated block is acknowledged again and counted once, and an old one is left alone") {
  Driven d(none);
  d.go();
  d.take(data(1, std::string(512, 'a')));
  CHECK(d.take(data(1, std::string(512, 'b'))) == "ack1 ");
  CHECK(d.take(data(2, std::string(512, 'c'))) == "ack2 ");
  CHECK(d.take(data(1, std::string(512, 'd'))) == "");
  CHECK(d.take(data(0, "e")) == "");
  CHECK(d.file == std::string(512, 'a') + std::string(512, 'c'));
  CHECK(d.get.resent() == 1);
  Driven again;
  again.go();
  again.take(oack({{"blksize", "512"}}));
  CHECK(again.take(oack({{"blksize", "512"}})) == "ack0 ");
}

TEST_CASE("blocks are counted on from 65535 to 0") {
  Driven d(none);
  d.go();
  const std::string block(512, 'x');
  for (std::uint32_t number = 1; number < 65536; ++number)
    d.take(data(static_cast<std::uint16_t>(number), block));
  CHECK(d.get.blocks() == 65535);
  CHECK(d.take(data(0, block)) == "ack0 ");
  CHECK(d.take(data(1, "end")) == "ack1 ");
  CHECK(d.how() == How::whole);
  CHECK(d.file.size() == 65536 * 512 + 3);
}

TEST_CASE("a server that goes on with 1 after 65535 is found out") {
  Driven d(none);
  d.go();
  const std::string block(512, 'x');
  for (std::uint32_t number = 1; number < 65536; ++number)
    d.take(data(static_cast<std::uint16_t>(number), block));
  CHECK(d.take(data(1, block)) == "");
  CHECK(d.get.early_number() == 1);
  while (!d.get.ending()) d.expire();
  CHECK(d.how() == How::silence);
  CHECK(d.get.blocks() == 65535);
}

TEST_CASE("an ERROR ends it, with the server's words up to their NUL") {
  Driven d;
  d.go();
  CHECK(d.take(encode_error(ErrorCode::file_not_found, "File not found")) == "");
  CHECK(d.how() == How::error);
  CHECK(d.get.ending()->code == 1);
  CHECK(d.get.ending()->text == "File not found");
  Driven cut;
  cut.go();
  cut.take(bytes_of(std::string_view("\0\5\0\2no NUL", 10)));
  CHECK(cut.get.ending()->text == "no NUL");
}

TEST_CASE("an OACK that says what nobody asked for is refused with ERROR 8") {
  for (const auto& given : std::vector<std::vector<Option>>{{{"rollover", "1"}},
                                                            {{"blksize", "1429"}},
                                                            {{"blksize", "7"}},
                                                            {{"blksize", "x"}},
                                                            {{"windowsize", "2"}},
                                                            {{"windowsize", "0"}},
                                                            {{"tsize", "-1"}}}) {
    Driven d;
    d.go();
    CAPTURE(given[0].name);
    CHECK(d.take(oack(given)) == "error8 ");
    CHECK(d.how() == How::bad_options);
    CHECK(d.get.ending()->text.find(given[0].name) != std::string::npos);
  }
  Driven cut;
  cut.go();
  CHECK(cut.take(bytes_of(std::string_view("\0\6blksize\0", 10))) == "error8 ");
}

TEST_CASE("a block that is too long is refused") {
  Driven d(none);
  d.go();
  CHECK(d.take(data(1, std::string(513, 'x'))) == "error4 ");
  CHECK(d.how() == How::long_block);
  CHECK(d.file.empty());
}

TEST_CASE("a closed port and the driver's own end are the end") {
  Driven closed;
  closed.go();
  closed.get.unreachable();
  CHECK(closed.how() == How::port_closed);
  CHECK(closed.expire() == "");
  Driven stopped(none);
  stopped.go();
  stopped.take(data(1, std::string(512, 'x')));
  stopped.get.stop();
  CHECK(stopped.go() == "error0 ");
  CHECK(stopped.how() == How::stopped);
}

TEST_CASE("garbage changes nothing") {
  Driven d;
  d.go();
  for (const std::string_view packet :
       {std::string_view(""), std::string_view("\0", 1), std::string_view("\0\3\0", 3),
        std::string_view("\0\4\0\1", 4), std::string_view("\0\1x\0octet\0", 10),
        std::string_view("\xff\xff\xff\xff", 4)})
    CHECK(d.take(bytes_of(packet)) == "");
  CHECK_FALSE(d.get.answered());
  CHECK_FALSE(d.get.ending());
}
