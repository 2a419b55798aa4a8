#include "server/text/controller_lines.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace server;

namespace {

auto lines_in(const std::string& text) { return std::ranges::count(text, '\n'); }

}  // namespace

TEST_CASE("a controller is told what to type for TFTP and for SFTP") {
  CHECK(tftp_controller_lines("192.0.2.2", "/EWC/current") ==
        "wireless profile image-download default\n"
        " image-download-mode tftp\n"
        "  tftp-image-server 192.0.2.2\n"
        "  tftp-image-path /EWC/current\n");
  CHECK(sftp_controller_lines("2001:db8::2", "/EWC/17_9_4a", "ewc") ==
        "wireless profile image-download default\n"
        " image-download-mode sftp\n"
        "  sftp-image-server 2001:db8::2\n"
        "  sftp-image-path /EWC/17_9_4a\n"
        "  sftp-username ewc\n"
        "  sftp-password 0 <password>\n");
}

TEST_CASE("an access point has a line for each image, with an address that a URL can hold") {
  CHECK(http_access_point_lines("192.0.2.2", "/EWC/17_9_4a", {"ap1g7", "ap1g8"}) ==
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap1g7\n"
        "archive download-sw /no-reload http://192.0.2.2/EWC/17_9_4a/ap1g8\n");
  CHECK(http_access_point_lines("2001:db8::2", "/EWC/17_9_4a", {"ap1g7"}) ==
        "archive download-sw /no-reload http://[2001:db8::2]/EWC/17_9_4a/ap1g7\n");
  CHECK(http_access_point_lines("192.0.2.2", "/EWC/17_9_4a", {}).empty());
}

TEST_CASE("no name adds a line of its own to what is typed, or hides a part of it") {
  const std::string hostile = "/a\nno ip domain lookup\r\x1b[2J\u202e";
  const auto shown = "/a\\nno ip domain lookup\\r\\x1b[2J\\u202e";
  for (const auto& lines :
       {tftp_controller_lines(hostile, "/a"), tftp_controller_lines("192.0.2.2", hostile)}) {
    CHECK(lines_in(lines) == 4);
    CHECK(lines.find(shown) != lines.npos);
  }
  for (const auto& lines :
       {sftp_controller_lines(hostile, "/a", "ewc"), sftp_controller_lines("192.0.2.2", hostile, "ewc"),
        sftp_controller_lines("192.0.2.2", "/a", hostile)}) {
    CHECK(lines_in(lines) == 6);
    CHECK(lines.find(shown) != lines.npos);
  }
  for (const auto& lines :
       {http_access_point_lines(hostile, "/a", {"b"}), http_access_point_lines("192.0.2.2", hostile, {"b"}),
        http_access_point_lines("192.0.2.2", "/a", {hostile})}) {
    CHECK(lines_in(lines) == 1);
    CHECK(lines.find(shown) != lines.npos);
  }
}

TEST_CASE("a long path is typed whole, for a cut one leads nowhere") {
  const auto path = "/" + std::string(250, 'a') + "/" + std::string(250, 'b');
  CHECK(tftp_controller_lines("192.0.2.2", path).ends_with(path + "\n"));
  CHECK(http_access_point_lines("192.0.2.2", path, {"c"}).ends_with(path + "/c\n"));
}
