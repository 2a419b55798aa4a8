#include "server/os/handed_over.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "tests/unit/server/os/child.hpp"

namespace {

constexpr int first_handle = 3, out_of_the_way = 100;

int socket_of(int family, int type, bool listens = false) {
  const int handle = ::socket(family, type | SOCK_CLOEXEC, 0);
  if (listens) ::listen(handle, 1);
  return handle;
}

int v6_socket(int only) {
  const int handle = socket_of(AF_INET6, SOCK_DGRAM);
  ::setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  return handle;
}

const bool has_ipv6 = [] {
  const int handle = v6_socket(1);
  ::close(handle);
  return handle >= 0;
}();

// What a service manager says in the environment; null: it says nothing.
struct Said {
  const char* count = nullptr;
  const char* names = nullptr;
  const char* pid = "own";
};

void say(const char* name, const char* value) {
  if (value)
    ::setenv(name, value, 1);
  else
    ::unsetenv(name);
}

std::string text_of(const server::HandedOver& found) {
  return fmt::format("{}={} {}{}{}{}; ", found.handle.get(), found.name, found.datagrams ? "udp" : "tcp",
                     found.v6 ? " v6" : "", found.both_families ? " both" : "",
                     ::fcntl(found.handle.get(), F_GETFD) == FD_CLOEXEC ? "" : " left to programs");
}

// What a process finds that has these descriptors from 3 on, and which of them it leaves open besides.
std::string found(const Said& said, const std::vector<int>& handles) {
  auto text = test::in_a_child([&] {
    std::vector<int> away;
    for (const int handle : handles) away.push_back(::fcntl(handle, F_DUPFD, out_of_the_way));
    for (std::size_t i = 0; i < away.size(); ++i) {
      const int at = first_handle + static_cast<int>(i);
      away[i] < 0 ? ::close(at) : ::dup2(away[i], at);
    }
    const auto own = std::to_string(::getpid());
    say("LISTEN_PID", said.pid && std::string(said.pid) == "own" ? own.c_str() : said.pid);
    say("LISTEN_FDS", said.count);
    say("LISTEN_FDNAMES", said.names);
    std::string list;
    const auto all = server::take_handed_over();
    for (const auto& each : all) list += text_of(each);
    list += "open:";
    for (int at = first_handle; at < first_handle + static_cast<int>(handles.size()); ++at)
      if (::fcntl(at, F_GETFD) >= 0) list += " " + std::to_string(at);
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
      if (std::getenv(name)) list += " and its environment";
    return list;
  });
  for (const int handle : handles) ::close(handle);
  return text;
}

}  // namespace

TEST_CASE("sockets that were handed over have their names, and are told apart") {
  CHECK(found({"2", "tftp:ssh"}, {socket_of(AF_INET, SOCK_DGRAM), socket_of(AF_INET, SOCK_STREAM, true)}) ==
        "3=tftp udp; 4=ssh tcp; open: 3 4");
}

TEST_CASE("a socket of IPv6 says whether it takes IPv4 too" * doctest::skip(!has_ipv6)) {
  CHECK(found({"3", "one:two:three"}, {v6_socket(1), v6_socket(0), socket_of(AF_INET6, SOCK_STREAM, true)})
            .starts_with("3=one udp v6; 4=two udp v6 both; 5=three tcp v6"));
}

TEST_CASE("what nothing can listen on is closed, and the others keep their own names") {
  CHECK(found({"5", "file:unix:deaf:raw:tftp"},
              {::open("/dev/null", O_RDONLY | O_CLOEXEC), socket_of(AF_UNIX, SOCK_DGRAM),
               socket_of(AF_INET, SOCK_STREAM), socket_of(AF_UNIX, SOCK_STREAM),
               socket_of(AF_INET, SOCK_DGRAM)}) == "7=tftp udp; open: 7");
}

TEST_CASE("a descriptor that is closed takes its name with it") {
  CHECK(found({"2", "tftp:ssh"}, {-1, socket_of(AF_INET, SOCK_STREAM, true)}) == "4=ssh tcp; open: 4");
}

TEST_CASE("a socket without a name has an empty one, and a name without a socket is nobody's") {
  const auto two = [] { return std::vector{socket_of(AF_INET, SOCK_DGRAM), socket_of(AF_INET, SOCK_DGRAM)}; };
  CHECK(found({"2", nullptr}, two()) == "3= udp; 4= udp; open: 3 4");
  CHECK(found({"2", ""}, two()) == "3= udp; 4= udp; open: 3 4");
  CHECK(found({"2", "tftp"}, two()) == "3=tftp udp; 4= udp; open: 3 4");
  CHECK(found({"2", ":tftp"}, two()) == "3= udp; 4=tftp udp; open: 3 4");
  CHECK(found({"2", "a:b:c:d"}, two()) == "3=a udp; 4=b udp; open: 3 4");
}

TEST_CASE("sockets that are meant for another process, or not counted, are left alone") {
  const auto one = [] { return std::vector{socket_of(AF_INET, SOCK_DGRAM)}; };
  CHECK(found({"1", "tftp", "1"}, one()) == "open: 3");
  CHECK(found({"1", "tftp", nullptr}, one()) == "open: 3");
  CHECK(found({"1", "tftp", "x"}, one()) == "open: 3");
  for (const char* const count : {"0", "-1", "", "x", "99999999999"}) {
    CAPTURE(count);
    CHECK(found({count, "tftp"}, one()) == "open: 3");
  }
  CHECK(found({nullptr, "tftp"}, one()) == "open: 3");
}

TEST_CASE("a count beyond what is there ends with what is there") {
  CHECK(found({"50", "tftp"}, {socket_of(AF_INET, SOCK_DGRAM)}).starts_with("3=tftp udp; "));
}
