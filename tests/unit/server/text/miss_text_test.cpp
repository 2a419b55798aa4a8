#include "server/text/miss_text.hpp"

#include <doctest/doctest.h>

#include <string>

#include "protocols/tftp/packet.hpp"
#include "server/events/protocol.hpp"
#include "storage/files/path.hpp"
#include "storage/lookup/miss.hpp"

using namespace server;
using event::Protocol;

namespace {

storage::Path path(std::string_view text) { return storage::Path::parse(text).value(); }

storage::Miss wrong_directory() {
  return {storage::Cause::wrong_directory,
          "/Wrong-Path does not exist",
          "ap1g6 is in /EWC/17_9_4a",
          path("/EWC/17_9_4a/ap1g6"),
          {}};
}

}  // namespace

TEST_CASE("a miss of an image is told with the line for the controller, in its protocol") {
  CHECK(fix_of(wrong_directory(), Protocol::tftp) ==
        "ap1g6 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a");
  CHECK(fix_of(wrong_directory(), Protocol::sftp) ==
        "ap1g6 is in /EWC/17_9_4a: sftp-image-path /EWC/17_9_4a");
  CHECK(text_of(wrong_directory(), Protocol::tftp) ==
        "/Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a: tftp-image-path /EWC/17_9_4a");
}

TEST_CASE("a controller finds nothing in an archive, and asks for no other file") {
  auto packed = wrong_directory();
  packed.cause = storage::Cause::not_unpacked;
  CHECK(fix_of(packed, Protocol::tftp) == "ap1g6 is in /EWC/17_9_4a");
  auto text = wrong_directory();
  text.nearest = path("/EWC/17_9_4a/readme.txt");
  CHECK(fix_of(text, Protocol::tftp) == "ap1g6 is in /EWC/17_9_4a");
  auto nothing = wrong_directory();
  nothing.hint.clear();
  nothing.nearest.reset();
  CHECK(text_of(nothing, Protocol::tftp) == "/Wrong-Path does not exist");
}

TEST_CASE("a device is told the same, but for what is the administrator's alone") {
  CHECK(client_text(wrong_directory()) == "/Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a");
  auto unreadable = wrong_directory();
  unreadable.for_client = "the server may not read it";
  CHECK(client_text(unreadable) == "the server may not read it");
  CHECK(console_text(tftp::ErrorCode::file_not_found, wrong_directory(), tftp::longest_error_text) ==
        "File not found: /Wrong-Path does not exist; ap1g6 is in /EWC/17_9_4a");
}

TEST_CASE("where a console has too little room, the name is cut and the hint is whole") {
  auto miss = wrong_directory();
  miss.what = std::string(2 * tftp::longest_error_text, 'x');
  const auto told = [&miss](std::size_t most) {
    return console_text(tftp::ErrorCode::file_not_found, miss, most);
  };
  const auto text = told(tftp::longest_error_text);
  CHECK(text.size() == tftp::longest_error_text);
  CHECK(text.starts_with("File not found: xxx"));
  CHECK(text.ends_with("x...; ap1g6 is in /EWC/17_9_4a"));
  const auto hint = miss.hint;
  CHECK(told(16 + hint.size()) == "File not found: " + hint);
  CHECK(told(hint.size()) == hint);
  CHECK(told(hint.size() - 1) == hint.substr(0, hint.size() - 1));
  CHECK(told(0).empty());
  miss.hint = {};
  CHECK(told(18) == "File not found: xx");
}

TEST_CASE("what a client asked for is escaped in the administrator's text") {
  auto miss = wrong_directory();
  miss.what = "/a\x1b[2J does not exist";
  CHECK(text_of(miss, Protocol::tftp).find('\x1b') == std::string::npos);
}
