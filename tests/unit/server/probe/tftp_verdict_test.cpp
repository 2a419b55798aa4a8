#include "server/probe/tftp_verdict.hpp"

#include <doctest/doctest.h>

#include "server/probe/endpoint_text.hpp"

using namespace server::probe;
namespace net = server::net;
using How = tftp::GetEnding::How;

namespace {

TftpAnswer ended(How how, std::uint64_t blocks = 0, bool answered = true) {
  TftpAnswer answer;
  answer.ending = {how, 0, {}};
  answer.blocks = blocks;
  answer.bytes = blocks * 512;
  if (answered) answer.peer = server::udp::endpoint(net::ip::make_address("192.0.2.2"), 41231);
  return answer;
}

TftpAnswer error(std::uint16_t code, std::string text, std::uint64_t blocks = 0) {
  auto answer = ended(How::error, blocks);
  answer.ending = {How::error, code, std::move(text)};
  return answer;
}

const TftpQuestion question{
    server::udp::endpoint(net::ip::make_address("192.0.2.2"), 69), "/ap1g8", {}, std::chrono::seconds(25)};

bool tells(const TftpAnswer& answer, std::string_view part) {
  return what_of(answer, question).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("silence means something else at each moment") {
  const auto never = ended(How::silence, 0, false);
  CHECK(cause_of(never) == Cause::timed_out);
  CHECK(tells(never, "within 25 s"));
  auto stranger = never;
  stranger.stranger = net::ip::make_address("192.0.2.3");
  CHECK(cause_of(stranger) == Cause::wrong_source);
  CHECK(tells(stranger, "192.0.2.2 was asked, and 192.0.2.3 answered"));
  CHECK(cause_of(ended(How::silence)) == Cause::half_way);
  CHECK(tells(ended(How::silence), "from 192.0.2.2:41231, and then nothing"));
  CHECK(cause_of(ended(How::silence, 1)) == Cause::half_way);
  auto agreed = ended(How::silence, 1);
  agreed.given.emplace();
  CHECK(cause_of(agreed) == Cause::stalled);
  CHECK(cause_of(ended(How::silence, 17)) == Cause::stalled);
  CHECK(tells(ended(How::silence, 17), "after 17 blocks, 8704 bytes"));
}

TEST_CASE("where counting ends, an end of any kind is the counting's") {
  for (const std::uint64_t blocks : {32767, 32768, 65535, 65536}) {
    CHECK(cause_of(ended(How::silence, blocks)) == Cause::wrap);
    CHECK(cause_of(error(0, "block counter overflow", blocks)) == Cause::wrap);
  }
  CHECK(cause_of(ended(How::silence, 65534)) == Cause::stalled);
  auto counts_from_1 = ended(How::silence, 65535);
  counts_from_1.early_number = 1;
  CHECK(tells(counts_from_1, "went on with block 1, and 0 was due"));
}

TEST_CASE("an ERROR is understood by its code, or by the server's words") {
  CHECK(cause_of(error(1, "File not found")) == Cause::not_found);
  CHECK(cause_of(error(1, "")) == Cause::not_found);
  CHECK(cause_of(error(1, "File not found: /EWC is a directory; ask for a file in it")) == Cause::is_folder);
  CHECK(cause_of(error(2, "Access violation")) == Cause::access);
  CHECK(cause_of(error(0, "cannot open /x: Permission denied")) == Cause::access);
  CHECK(cause_of(error(0, "No such file or directory")) == Cause::not_found);
  CHECK(cause_of(error(0, "disk failed")) == Cause::error);
  CHECK(cause_of(error(4, "Illegal TFTP operation")) == Cause::options);
  CHECK(cause_of(error(8, "no")) == Cause::options);
  CHECK(cause_of(error(900, "")) == Cause::error);
}

TEST_CASE("the server's words are escaped") {
  CHECK(tells(error(1, "\x1b[31mred\n"), "ERROR 1: \\x1b[31mred\\n"));
}

TEST_CASE("a closed port before an answer is a server that is not there, and a crash after it") {
  CHECK(cause_of(ended(How::port_closed, 0, false)) == Cause::refused);
  CHECK(tells(ended(How::port_closed, 0, false), "UDP port 69 of 192.0.2.2"));
  CHECK(cause_of(ended(How::port_closed, 3)) == Cause::stalled);
}

TEST_CASE("an answer to the options that cannot be used, and what cannot be sent") {
  CHECK(cause_of(ended(How::bad_options)) == Cause::options);
  CHECK(cause_of(ended(How::long_block)) == Cause::options);
  TftpAnswer unsent;
  unsent.unsendable = net::error::network_unreachable;
  CHECK(cause_of(unsent) == Cause::no_route);
  CHECK(tells(unsent, "sending to 192.0.2.2 failed: Network is unreachable"));
}

TEST_CASE("an endpoint of IPv6 has its brackets") {
  CHECK(endpoint_text(server::udp::endpoint(net::ip::make_address("2001:db8::2"), 69)) == "[2001:db8::2]:69");
  CHECK(endpoint_text(server::tcp::endpoint(net::ip::make_address("192.0.2.2"), 22)) == "192.0.2.2:22");
}
