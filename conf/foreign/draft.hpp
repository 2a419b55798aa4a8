#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/foreign/translation.hpp"

namespace conf::foreign {

// A translation while it is made. Values that apdepot would refuse do not get in: there is a remark instead.
class Draft {
 public:
  Draft(std::string program, const Host& host);

  Settings settings;
  const Host& host;

  void tell(const Place& place, std::string text);
  // That the other program serves only the one, so that apdepot does not open ports unasked.
  void serve_only_tftp();
  void serve_only_ssh();
  // `text` as a number from `low` to `high`, the nearest of them where it lies outside. `what` is the
  // setting's name there.
  std::optional<std::uint64_t> number(const Place& place, std::string_view what, std::string_view text,
                                      std::uint64_t low, std::uint64_t high);
  // Adds "ADDRESS" and a port to `listen`; an empty address is all, as far as `families` says.
  enum class Families { both, ipv4, ipv6 };
  void listen(const Place& place, std::string_view what, std::string_view address, std::string_view port,
              Families families, std::vector<Endpoint>& listen);
  // Rather nowhere else than everywhere, when no address could be taken over.
  void stay_inside_if_nowhere(std::vector<Endpoint>& listen, std::uint16_t port);
  void largest_block(const Place& place, std::string_view what, std::string_view text);
  void ports(const Place& place, std::string_view what, std::string_view first, std::string_view last);
  void log_file(const Place& place, std::string_view what, std::string_view file);
  // The folder whose files were served, and where they go.
  void folder(const Place& place, std::string_view what, std::string_view folder,
              std::string_view root = "/");
  void user(const Place& place, std::string_view what, std::string_view name);
  void alias(const Place& place, std::string_view from, std::string_view to);
  // One network, or none with a remark.
  void add_network(const Place& place, std::string_view what, std::string_view text,
                   std::vector<Network>& networks);
  void uploads_allowed(const Place& place, std::string_view what);

  Translation finish();

 private:
  std::string program_;
  std::vector<Remark> remarks_;
};

}  // namespace conf::foreign
