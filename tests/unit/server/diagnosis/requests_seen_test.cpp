#include "server/diagnosis/requests_seen.hpp"

#include <doctest/doctest.h>

#include "server/events/event.hpp"
#include "server/events/protocol.hpp"
#include "server/events/ssh.hpp"
#include "server/events/tftp.hpp"
#include "server/events/transfer.hpp"

using namespace server;
using namespace std::chrono_literals;
using Stage = SeenRequest::Stage;

namespace {

const RequestsSeen::Clock::time_point start{1h};

event::TftpRequested asks(const std::string& client, const std::string& name) {
  return {7, client, name, false, {}};
}

event::TransferEnded ended(const std::string& client, protocols::Cause cause) {
  return {7, event::Protocol::tftp, client, "", "/a/ap1g8", "/EWC/ap1g8", false, 5, 3, 1.5, {cause}};
}

}  // namespace

TEST_CASE("the latest request of a client is remembered with how far it got") {
  RequestsSeen seen;
  CHECK_FALSE(seen.of("192.0.2.7", start));
  seen.note(asks("192.0.2.7", "/a/ap1g8"), start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::asked);
  CHECK(seen.of("192.0.2.7", start)->asked == "/a/ap1g8");
  seen.note(ended("192.0.2.7", protocols::Cause::silence), start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::broke_off);
  seen.note(ended("192.0.2.7", protocols::Cause::complete), start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::fetched);
  seen.note(event::Missed{8, event::Protocol::sftp, "192.0.2.7", "/b", {}}, start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::missed);
  seen.note(event::SshNegotiated{9, "192.0.2.7", 22, "b", "", "", "", "", "", ""}, start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::knocked);
  seen.note(event::LoginFailed{9, "ewc", "192.0.2.7", 22, "password"}, start);
  CHECK(seen.of("192.0.2.7", start)->stage == Stage::refused);
  CHECK_FALSE(seen.of("192.0.2.8", start));
}

TEST_CASE("what happened too long ago is not told any more") {
  RequestsSeen seen;
  seen.note(asks("192.0.2.7", "/a/ap1g8"), start);
  CHECK(seen.of("192.0.2.7", start + RequestsSeen::period));
  CHECK_FALSE(seen.of("192.0.2.7", start + RequestsSeen::period + 1ns));
  CHECK_FALSE(seen.for_file("/b/ap1g8", start + RequestsSeen::period + 1ns));
}

TEST_CASE("a file is found by its name, whatever its folder, and whoever asked") {
  RequestsSeen seen;
  seen.note(asks("192.0.2.7", "/a/ap1g8"), start);
  seen.note(asks("192.0.2.8", "\\b\\ap1g8"), start + 1s);
  seen.note(asks("192.0.2.9", "ap1g7"), start + 2s);
  CHECK(seen.for_file("/c/ap1g8", start + 3s)->client == "192.0.2.8");
  CHECK(seen.for_file("ap1g7", start + 3s)->client == "192.0.2.9");
  CHECK_FALSE(seen.for_file("ap1g6", start + 3s));
  CHECK_FALSE(seen.for_file("/c/", start + 3s));
  CHECK_FALSE(seen.for_file("", start + 3s));
}

TEST_CASE("many clients and long names take no more memory than a few") {
  RequestsSeen seen;
  for (int i = 0; i < 5'000; ++i)
    seen.note(asks("client " + std::to_string(i), std::string(60'000, 'a')),
              start + std::chrono::milliseconds(i));
  CHECK(seen.remembered() == RequestsSeen::most_clients);
  CHECK_FALSE(seen.of("client 0", start + 5s));
  CHECK(seen.of("client 4999", start + 5s)->asked.size() == 512);
}
