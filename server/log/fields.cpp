#include "server/log/fields.hpp"

#include <fmt/format.h>

#include "server/events/all.hpp"
#include "server/events/warning.hpp"
#include "server/text/ending_text.hpp"
#include "server/text/escape.hpp"
#include "server/text/limit_name.hpp"

namespace server {
namespace {

using namespace event;

// What the members of an event are called tells what they are.
struct Collector {
  std::vector<LogField> fields = {};

  void add(std::string_view name, std::string value) {
    if (!value.empty()) fields.push_back({name, std::move(value)});
  }
  void add_number(std::string_view name, std::uint64_t number) { add(name, fmt::format("{}", number)); }
  void add_release_of(std::string_view file) {
    const auto slash = file.rfind('/');
    if (slash != file.npos && slash > 0) add("RELEASE", escaped_path(file.substr(0, slash)));
  }

  void operator()(const TransferEnded& e) {
    common(e);
    add("FILE", escaped_path(e.name));
    add_number("BYTES", e.bytes);
    add("CAUSE", std::string(word(e.how.cause)));
    if (!e.write) add_release_of(e.name);
  }
  void operator()(const Missed& e) {
    common(e);
    add("CAUSE", std::string(storage::cause_name(e.miss.cause)));
  }
  void operator()(const Published& e) {
    add("FILE", escaped_path(e.file));
    add_number("BYTES", e.imported.bytes);
    add("RELEASE", escaped_path(e.imported.path));
  }
  void operator()(const Retired& e) { add("RELEASE", escaped_path(e.path)); }
  void operator()(const ImportStarted& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const ImportProgress& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const ImportRejected& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const ImportFailed& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const ImportGone& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const DropIgnored& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const DigestWaits& e) { add("FILE", escaped_path(e.file)); }
  void operator()(const ControllerSaid& e) {
    common(e);
    add("FILE", escaped(e.said.url));
    add("CAUSE", std::string(kind_name(e.said.kind)));
  }
  void operator()(const SyslogRefused& e) {
    common(e);
    add("CAUSE", std::string(limit_name(e.limit)));
  }
  void operator()(const Warned& e) { add("CAUSE", std::string(warning_name(e.kind))); }
  void operator()(const SftpHappened& e) {
    common(e);
    std::visit(
        [this](const auto& what) {
          if constexpr (requires { what.name; }) add("FILE", escaped(what.name));
        },
        e.what);
  }
  template <class Other>
  void operator()(const Other& e) {
    common(e);
    if constexpr (requires { e.name; }) add("FILE", escaped(e.name));
  }

 private:
  template <class Any>
  void common(const Any& e) {
    if constexpr (requires { e.number; }) add_number("REQUEST", e.number);
    if constexpr (requires { e.client; }) add("CLIENT", escaped(e.client));
    if constexpr (requires { e.protocol; }) add("PROTOCOL", std::string(word(e.protocol)));
  }
};

}  // namespace

std::vector<LogField> log_fields(const Event& event) {
  Collector collector;
  event.visit(collector);
  return std::move(collector.fields);
}

}  // namespace server
