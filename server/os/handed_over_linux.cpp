#include "server/os/handed_over.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

namespace server {
namespace {

constexpr int first_handle = 3;  // SD_LISTEN_FDS_START

int number_in(const char* name) {
  const char* const text = std::getenv(name);
  int number = -1;
  if (text) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

std::optional<int> option_of(int handle, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(handle, level, option, &value, &size) != 0) return {};
  return value;
}

// Nothing for a descriptor that nothing here can listen on.
std::optional<HandedOver> look_at(int handle, std::string_view name) {
  HandedOver found{std::string(name), UdpHandle(handle)};
  const auto family = option_of(handle, SOL_SOCKET, SO_DOMAIN);
  const auto type = option_of(handle, SOL_SOCKET, SO_TYPE);
  if (!family || (*family != AF_INET && *family != AF_INET6)) return {};
  found.datagrams = type == SOCK_DGRAM;
  if (!found.datagrams && (type != SOCK_STREAM || option_of(handle, SOL_SOCKET, SO_ACCEPTCONN) != 1))
    return {};
  found.v6 = *family == AF_INET6;
  found.both_families = found.v6 && option_of(handle, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  return found;
}

}  // namespace

std::vector<HandedOver> take_handed_over() {
  std::vector<HandedOver> all;
  const int count = number_in("LISTEN_PID") == ::getpid() ? number_in("LISTEN_FDS") : 0;
  const char* const text = std::getenv("LISTEN_FDNAMES");
  std::string_view names = text ? text : "";
  for (int i = 0; i < count; ++i) {
    const int handle = first_handle + i;
    const auto end = names.find(':');
    const auto name = names.substr(0, end);
    names.remove_prefix(end == names.npos ? names.size() : end + 1);
    if (::fcntl(handle, F_SETFD, FD_CLOEXEC) != 0) continue;  // closed, and its name goes with it
    if (auto found = look_at(handle, name)) all.push_back(std::move(*found));
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return all;
}

}  // namespace server
