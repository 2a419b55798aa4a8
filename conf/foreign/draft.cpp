#include "conf/foreign/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "conf/endpoint.hpp"
#include "conf/foreign/text.hpp"
#include "conf/kinds.hpp"
#include "conf/load.hpp"
#include "storage/files/path_text.hpp"

namespace conf::foreign {
namespace {

constexpr std::uint64_t smallest_block = 8, most_block = 65464;

std::string without_slash(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

}  // namespace

Draft::Draft(std::string program, const Host& of)
    : settings(load_defaults().settings), host(of), program_(std::move(program)) {}

void Draft::tell(const Place& place, std::string text) { remarks_.push_back({place, std::move(text)}); }

void Draft::serve_only_tftp() {
  settings.ssh.listen.clear();
  tell({}, fmt::format("{} serves TFTP only, so ssh.listen is empty below. Without that line apdepot serves "
                       "SFTP and SCP as well",
                       program_));
}

void Draft::serve_only_ssh() {
  settings.tftp.listen.clear();
  tell({}, fmt::format("{} serves no TFTP, so tftp.listen is empty below. Without that line apdepot serves "
                       "TFTP as well",
                       program_));
}

std::optional<std::uint64_t> Draft::number(const Place& place, std::string_view what, std::string_view text,
                                           std::uint64_t low, std::uint64_t high) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ptr != end || text.empty() ||
      (read.ec != std::errc() && read.ec != std::errc::result_out_of_range)) {
    tell(place, fmt::format("{} \"{}\" is not a number, and left out", what, text));
    return std::nullopt;
  }
  if (read.ec == std::errc::result_out_of_range) value = high + 1;
  const auto nearest = std::clamp(value, low, high);
  if (nearest != value)
    tell(place,
         fmt::format("{} {}: apdepot takes {} to {}, so it is {} here", what, text, low, high, nearest));
  return nearest;
}

void Draft::listen(const Place& place, std::string_view what, std::string_view address, std::string_view port,
                   Families families, std::vector<Endpoint>& listen) {
  const auto add = [&](std::string_view each) {
    const auto endpoint = parse_endpoint(each.find(':') == each.npos ? fmt::format("{}:{}", each, port)
                                                                     : fmt::format("[{}]:{}", each, port));
    auto with = listen;
    if (endpoint) with.push_back(*endpoint);
    if (std::ranges::find(listen, endpoint) != listen.end() && endpoint) return;
    if (!endpoint || clash_of(with)) {
      tell(place,
           fmt::format("{} \"{}\" with port \"{}\" is {}, and left out: write the address of "
                       "this host, never a name or an interface",
                       what, each, port, endpoint ? "part of another address" : "not an address and a port"));
      return;
    }
    listen = std::move(with);
  };
  if (!address.empty() && address != "*") return add(address);
  if (families != Families::ipv6) add("0.0.0.0");
  if (families != Families::ipv4) add("::");
}

void Draft::stay_inside_if_nowhere(std::vector<Endpoint>& listen, std::uint16_t port) {
  if (!listen.empty()) return;
  listen.push_back({"127.0.0.1", port});
  tell({}, "no address was left to listen on, so apdepot listens on 127.0.0.1 only: change it below");
}

void Draft::largest_block(const Place& place, std::string_view what, std::string_view text) {
  if (const auto size = number(place, what, text, smallest_block, most_block))
    settings.tftp.max_block_size = static_cast<std::uint16_t>(*size);
}

void Draft::ports(const Place& place, std::string_view what, std::string_view first, std::string_view last) {
  if (const auto range = port_range.parse(fmt::format("{}-{}", first, last))) {
    settings.tftp.port_range = range;
    return;
  }
  tell(place, fmt::format("{} \"{}\" to \"{}\" is not a range of ports within 1 to 65535, and left out", what,
                          first, last));
}

void Draft::log_file(const Place& place, std::string_view what, std::string_view file) {
  const auto target = log_destination.parse(fmt::format("file:{}", file));
  if (target && file.starts_with('/')) {
    settings.log.destination = *target;
    return;
  }
  tell(place, fmt::format("{} \"{}\": log.target takes file:PATH with a whole path", what, file));
}

void Draft::folder(const Place& place, std::string_view what, std::string_view folder,
                   std::string_view root) {
  const auto images = storage::utf8_of(settings.depot) + "/images" + (root == "/" ? "" : std::string(root));
  if (without_slash(folder) == "/") {
    tell(place, fmt::format("{} is the whole disk; apdepot serves {}/ only: copy what devices ask for to the "
                            "same path below it",
                            what, images));
    return;
  }
  tell(place, fmt::format("{} {}: apdepot serves {}/ instead. Bundles go into {}/drop/; copy other files: "
                          "cp -r {} {}",
                          what, folder, images, storage::utf8_of(settings.depot),
                          shell_word(without_slash(folder) + "/."), shell_word(images + "/")));
}

void Draft::user(const Place& place, std::string_view what, std::string_view name) {
  tell(place, fmt::format("{} {}: apdepot runs as the owner of its depot. For this user give the depot to it "
                          "and write: user: {}",
                          what, name, name));
}

void Draft::alias(const Place& place, std::string_view from, std::string_view to) {
  const auto first = virtual_path.parse(from), second = virtual_path.parse(to);
  if (!first || !second) {
    tell(place, fmt::format("\"{}\" to \"{}\": these are not paths that lookup.aliases can have", from, to));
    return;
  }
  const auto same = std::ranges::find(settings.lookup.aliases, *first, &storage::Alias::from);
  if (same != settings.lookup.aliases.end()) {
    if (same->to != *second)
      tell(place, fmt::format("{} stands for {} already; \"{}\" is left out", from, same->to.text(), to));
    return;
  }
  settings.lookup.aliases.push_back({*first, *second});
}

void Draft::add_network(const Place& place, std::string_view what, std::string_view text,
                        std::vector<Network>& networks) {
  if (const auto network = parse_network(text)) return networks.push_back(*network);
  tell(place,
       fmt::format("{} \"{}\" is not an address or a network as 192.0.2.0/24, and left out", what, text));
}

void Draft::uploads_allowed(const Place& place, std::string_view what) {
  settings.tftp.uploads = true;
  tell(place, fmt::format("{}: devices may send new files below {}/images/uploads/ only, and never overwrite "
                          "one; take tftp.uploads out if none sends any",
                          what, storage::utf8_of(settings.depot)));
}

Translation Draft::finish() {
  if (settings.tftp.single_port && settings.tftp.uploads) {
    settings.tftp.uploads = false;
    tell({},
         "with tftp.single_port: true apdepot takes no uploads over TFTP, because anybody could forge a "
         "device's address: tftp.uploads stays false");
  }
  if (settings.tftp.single_port && settings.tftp.port_range) {
    settings.tftp.port_range.reset();
    tell({}, "with tftp.single_port no other ports are used: the range of ports is left out");
  }
  std::ranges::stable_sort(
      remarks_, {}, [](const Remark& remark) { return std::pair(remark.place.file, remark.place.line); });
  return {std::move(program_), std::move(settings), std::move(remarks_)};
}

}  // namespace conf::foreign
