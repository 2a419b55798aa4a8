#include "server/os/port_holder.hpp"

#include <fmt/format.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "server/os/datagram.hpp"
#include "storage/files/folder.hpp"

namespace server {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t listening = 1U << 10, any_state = ~0U;  // TCP_LISTEN of linux/tcp_states.h
constexpr timeval patience{1, 0};

// A socket, as the kernel knows it.
struct Bound {
  std::uint32_t inode = 0;
  std::uint64_t group = 0;  // the inode of its control group's folder; 0: unknown
};

bool ask(int netlink, std::uint8_t family, std::uint8_t protocol, std::uint32_t states) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 body;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = protocol;
  request.body.idiag_states = states;
  return ::send(netlink, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
}

std::uint64_t group_of(const nlmsghdr& header, const inet_diag_msg& socket) {
  auto* attribute = reinterpret_cast<const nlattr*>(&socket + 1);
  auto rest = header.nlmsg_len - NLMSG_LENGTH(sizeof socket);
  while (rest >= sizeof(nlattr) && attribute->nla_len >= sizeof(nlattr) && attribute->nla_len <= rest) {
    std::uint64_t group = 0;
    if (attribute->nla_type == INET_DIAG_CGROUP_ID && attribute->nla_len >= NLA_HDRLEN + sizeof group) {
      std::memcpy(&group, reinterpret_cast<const std::byte*>(attribute) + NLA_HDRLEN, sizeof group);
      return group;
    }
    const auto step = std::min<std::size_t>(NLA_ALIGN(attribute->nla_len), rest);
    attribute = reinterpret_cast<const nlattr*>(reinterpret_cast<const std::byte*>(attribute) + step);
    rest -= static_cast<unsigned>(step);
  }
  return 0;
}

// The first socket of the answer that has the port.
std::optional<Bound> read_answer(int netlink, std::uint16_t port) {
  alignas(nlmsghdr) std::array<std::byte, 32'768> buffer;
  std::optional<Bound> found;
  for (;;) {
    const auto count = ::recv(netlink, buffer.data(), buffer.size(), 0);
    if (count <= 0) return found;
    auto rest = static_cast<unsigned>(count);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, rest);
         header = NLMSG_NEXT(header, rest)) {
      if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) return found;
      if (header->nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) continue;
      const auto& socket = *static_cast<const inet_diag_msg*>(NLMSG_DATA(header));
      if (!found && socket.id.idiag_sport == htons(port))
        found = Bound{socket.idiag_inode, group_of(*header, socket)};
    }
  }
}

std::optional<Bound> bound_to(std::uint8_t protocol, std::uint16_t port) {
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
    const UdpHandle netlink(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    ::setsockopt(netlink.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (!ask(netlink.get(), family, protocol, protocol == IPPROTO_TCP ? listening : any_state)) continue;
    if (const auto found = read_answer(netlink.get(), port)) return found;
  }
  return {};
}

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::uint32_t number_in(const std::string& text) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

std::string program_of(std::uint32_t pid) { return first_line(fmt::format("/proc/{}/comm", pid)); }

// By the descriptors of all processes: those of others may be read by root alone.
std::uint32_t process_with(std::uint32_t inode) {
  const auto wanted = fmt::format("socket:[{}]", inode);
  std::error_code ignored;
  storage::FolderReader processes("/proc", ignored);
  while (const auto process = processes.next()) {
    const auto pid = number_in(process->name);
    if (pid == 0) continue;
    storage::FolderReader handles(process->path / "fd", ignored);
    while (const auto handle = handles.next())
      if (fs::read_symlink(handle->path, ignored) == wanted) return pid;
  }
  return 0;
}

// The folder of a control group, below the place where they are mounted.
std::optional<fs::path> folder_of(std::uint64_t group) {
  constexpr auto root = "/sys/fs/cgroup";
  struct stat status {};
  if (::stat(root, &status) == 0 && status.st_ino == group) return root;
  std::error_code ignored;
  storage::FolderReader groups(root, ignored, storage::FolderReader::Reach::tree);
  while (const auto entry = groups.next()) {
    if (entry->is_folder() && ::stat(entry->path.c_str(), &status) == 0 && status.st_ino == group)
      return entry->path;
  }
  return {};
}

std::optional<PortHolder> holder_of(std::uint8_t protocol, std::uint16_t port) {
  const auto bound = bound_to(protocol, port);
  if (!bound) return {};
  PortHolder holder;
  const auto folder = bound->group == 0 ? std::nullopt : folder_of(bound->group);
  if (folder) holder.unit = unit_in(folder->string());
  holder.pid = process_with(bound->inode);
  // No process is in the group of a socket unit: systemd itself has the socket.
  if (holder.pid == 0 && holder.unit.ends_with(".socket")) holder.pid = 1;
  if (holder.pid == 0 && !holder.unit.empty()) holder.pid = number_in(first_line(*folder / "cgroup.procs"));
  if (holder.pid != 0) holder.program = program_of(holder.pid);
  if (holder.pid == 0 || (holder.program.empty() && holder.unit.empty())) return {};
  return holder;
}

}  // namespace

std::optional<PortHolder> holder_of_udp(std::uint16_t port) { return holder_of(IPPROTO_UDP, port); }
std::optional<PortHolder> holder_of_tcp(std::uint16_t port) { return holder_of(IPPROTO_TCP, port); }

}  // namespace server
