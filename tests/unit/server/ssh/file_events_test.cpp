#include "server/ssh/file_events.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocols/scp/source.hpp"
#include "server/events/all.hpp"
#include "server/events/events.hpp"
#include "tests/support/kept_event.hpp"
#include "tests/unit/protocols/scp/files.hpp"
#include "tests/unit/protocols/sftp/client.hpp"

using namespace server;

namespace {

constexpr std::uint64_t number = 7;

struct House {
  Events events;
  std::vector<KeptEvent> told;
  OpenFiles open_files;
  HeldBytes held_bytes;
  ConnectionUse use{open_files, held_bytes, net::ip::make_address("192.0.2.1"), "ewc", [] {}};

  House() {
    events.listen(
        [this](const Event& event) { event.visit([this](const auto& one) { told.emplace_back(one); }); });
  }
  template <class Wanted>
  Wanted told_in_sftp_words(std::size_t at) const {
    const auto* const happened = told.at(at)->get_if<event::SftpHappened>();
    REQUIRE(happened);
    CHECK(happened->number == number);
    return std::get<Wanted>(happened->what);
  }
};

}  // namespace

TEST_CASE("what SCP does is told in sftp-server's words") {
  House house;
  ScpFiles files;
  files.add_file("/small", "hello");
  scp::Source session(scp::parse_command("scp -f small no-such-file").value());
  scp_said(session, files, std::string(3, '\0'));
  emit_happened(house.events, number, session);
  REQUIRE(house.told.size() == 3);
  const auto open = house.told_in_sftp_words<sftp::event::Open>(0);
  CHECK(open.name == "small");
  CHECK(open.flags == sftp::open_flag::read);
  CHECK(open.mode == 0666);
  const auto close = house.told_in_sftp_words<sftp::event::Close>(1);
  CHECK(close.name == "small");
  CHECK(close.read == 5);
  CHECK_FALSE(close.forced);
  const auto* const failed = house.told[2]->get_if<event::ScpFailed>();
  REQUIRE(failed);
  CHECK(failed->name == "no-such-file");
  CHECK_FALSE(failed->by_client);
  emit_happened(house.events, number, session);
  CHECK(house.told.size() == 3);  // each once
}

TEST_CASE("a name that can be no path is a miss, told once") {
  House house;
  test::Started started;
  for (const std::uint32_t id : {1U, 2U}) {
    started.send(test::Packet(sftp::Type::stat).u32(id).string(std::string_view("a\0b", 3)));
    CHECK_FALSE(started.session.poll());
  }
  emit_happened(house.events, number, started.session, house.use);
  std::vector<event::Missed> missed;
  for (const auto& event : house.told) {
    if (const auto* one = event->get_if<event::Missed>()) missed.push_back(*one);
  }
  REQUIRE(missed.size() == 1);
  CHECK(missed[0].number == number);
  CHECK(missed[0].protocol == event::Protocol::sftp);
  CHECK(missed[0].client == "192.0.2.1");
  CHECK(missed[0].asked == std::string_view("a\0b", 3));
  CHECK(house.told_in_sftp_words<sftp::event::Stat>(0).name == std::string_view("a\0b", 3));
}
