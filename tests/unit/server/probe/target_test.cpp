#include "server/probe/target.hpp"

#include <doctest/doctest.h>

using server::probe::parse_target, server::probe::Target;
using Scheme = Target::Scheme;

namespace {

bool refused_with(std::string_view url, std::string_view part) {
  const auto target = parse_target(url);
  return !target && target.error().find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a URL is taken apart as a controller writes it") {
  const auto tftp = parse_target("tftp://192.0.2.2/EWC/17_9_4a/ap1g8").value();
  CHECK(tftp.scheme == Scheme::tftp);
  CHECK(tftp.host == "192.0.2.2");
  CHECK(tftp.port == 69);
  CHECK(tftp.path == "/EWC/17_9_4a/ap1g8");
  const auto sftp = parse_target("sftp://ewc@[2001:db8::2]:2222/ap%201g8").value();
  CHECK(sftp.scheme == Scheme::sftp);
  CHECK(sftp.user == "ewc");
  CHECK(sftp.host == "2001:db8::2");
  CHECK(sftp.port == 2222);
  CHECK(sftp.path == "/ap%201g8");
  CHECK(parse_target("tftp://images.example:6969/a@b:c").value().path == "/a@b:c");
  CHECK(parse_target("sftp://ewc@h/x").value().port == 22);
  CHECK(parse_target("http://h/x").value().port == 80);
  CHECK(parse_target("https://h/x").value().scheme == Scheme::https);
  CHECK(parse_target("https://h/x").value().port == 443);
}

TEST_CASE("a password in a URL is refused, and not repeated") {
  for (const auto* url : {"sftp://ewc:geheim@h/x", "tftp://ewc:geheim@h/x", "sftp://ewc:@h/x"}) {
    CHECK(refused_with(url, "--password-file"));
    CHECK_FALSE(refused_with(url, "geheim"));
  }
}

TEST_CASE("what is not such a URL is refused with its reason") {
  CHECK(refused_with("192.0.2.2", "not a URL"));
  CHECK(refused_with("/EWC/ap1g8", "not a URL"));
  CHECK(refused_with("scp://h/x", "take scp"));
  CHECK(refused_with("http://user@h/x", "without a login"));
  CHECK(refused_with("http://h/a b", "%20"));
  CHECK(refused_with("tftp://user@h/x", "no users"));
  CHECK(refused_with("sftp://h/x", "USER@SERVER"));
  for (const auto* url : {"tftp:///x", "tftp://h:/x", "tftp://h:0/x", "tftp://h:65536/x", "tftp://h:+1/x",
                          "tftp://[::1/x", "tftp://[]/x", "tftp://::1/x", "tftp://[::1]69/x"})
    CHECK(refused_with(url, "brackets"));
  CHECK(refused_with("tftp://h", "path"));
  CHECK(refused_with("tftp://h/", "path"));
  CHECK(refused_with("tftp://h/" + std::string(1025, 'a'), "1024"));
}

TEST_CASE("a path is taken up to 1024 bytes, and a port from 1 to 65535") {
  const auto longest = "tftp://h/" + std::string(1023, 'a');
  CHECK(parse_target(longest).value().path.size() == 1024);
  CHECK(refused_with(longest + "a", "1024"));
  CHECK(parse_target("tftp://h:1/x").value().port == 1);
  CHECK(parse_target("tftp://h:65535/x").value().port == 65535);
  CHECK(refused_with("tftp://h:99999999999/x", "brackets"));
  CHECK(refused_with("tftp://h:69x/x", "brackets"));
}

TEST_CASE("the last @ before the path ends the user") {
  const auto target = parse_target("sftp://a@b@h/x@y").value();
  CHECK(target.user == "a@b");
  CHECK(target.host == "h");
  CHECK(target.path == "/x@y");
  CHECK(refused_with("sftp://@h/x", "USER@SERVER"));
  for (const auto* url : {"sftp://ewc:ge@heim@h/x", "sftp://ewc:geh/eim@h/x"})
    for (const auto* part : {"ge@heim", "geh"}) CHECK_FALSE(refused_with(url, part));
}

TEST_CASE("only HTTP's request line has no room for blanks, control characters and other letters") {
  for (const std::string letter : {" ", "\t", "\n", "\x7f", "\xc3\xa9"}) {
    CHECK(refused_with("http://h/a" + letter + "b", "%20"));
    CHECK(refused_with("https://h" + letter + "/a", "%20"));
    CHECK(parse_target("tftp://h/a" + letter + "b").value().path == "/a" + letter + "b");
  }
  CHECK(parse_target("http://h/!~").value().path == "/!~");
}
