#include "conf/print.hpp"

#include <set>
#include <utility>

#include "conf/account.hpp"
#include "conf/findings.hpp"
#include "conf/keys.hpp"
#include "conf/load.hpp"
#include "conf/printer.hpp"
#include "conf/values.hpp"

namespace conf {
namespace {

std::uint64_t count_of(std::chrono::seconds duration) { return static_cast<std::uint64_t>(duration.count()); }
std::uint64_t count_of(std::uint64_t number) { return number; }

// Writes settings, key by key.
struct Writer {
  Printer& out;

  void flag(std::string_view key, bool value, Takes) { out.flag(key, value); }
  template <class T>
  void number(std::string_view key, std::uint64_t, std::uint64_t, const T& value, Takes) {
    out.number(key, count_of(value));
  }
  void size(std::string_view key, const Kind<std::uint64_t>&, std::uint64_t value, Takes) {
    out.size(key, value);
  }
  void size_or_null(std::string_view key, const Kind<std::uint64_t>&,
                    const std::optional<std::uint64_t>& value, Takes) {
    if (value) return out.size(key, *value);
    out.nothing(key);
  }
  template <class T>
  void text(std::string_view key, const Kind<T>&, const T& value, Takes) {
    out.text(key, text_of(value));
  }
  template <class T>
  void text_or_null(std::string_view key, const Kind<T>&, const std::optional<T>& value, Takes) {
    if (value) return out.text(key, text_of(*value));
    out.nothing(key);
  }
  template <class T, std::size_t n>
  void choice(std::string_view key, const Name<T> (&names)[n], const T& value, Takes) {
    out.text(key, name_of(value, names));
  }
  template <class T>
  void list(std::string_view key, const Kind<T>&, const std::vector<T>& values, Takes) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(text_of(value));
    out.texts(key, texts);
  }
  template <class T, class Pair>
  void mapping(std::string_view key, const Kind<T>&, const std::vector<Pair>& values, Takes) {
    std::vector<std::pair<std::string, std::string>> texts;
    for (const auto& [from, to] : values) texts.emplace_back(text_of(from), text_of(to));
    out.mapping(key, texts);
  }
  void users(std::string_view, const std::vector<User>& users) { print_users(out, users, Secrets::hidden); }
  template <class T>
  void section(std::string_view key, const T& section) {
    out.open(key);
    keys(*this, section);
    out.close();
  }
};

// Writes only the keys that it is given, and no section without one.
struct PartWriter {
  Printer& out;
  const std::set<std::string>& wanted;
  std::string path = {};
  bool opened = false;

  bool wants(std::string_view key) {
    if (!wanted.contains(key_path(path, key))) return false;
    if (!path.empty() && !std::exchange(opened, true)) out.open(path);
    return true;
  }
  template <class... Rest>
  void flag(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.flag(key, rest...);
  }
  template <class... Rest>
  void number(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.number(key, rest...);
  }
  template <class... Rest>
  void size(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.size(key, rest...);
  }
  template <class... Rest>
  void size_or_null(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.size_or_null(key, rest...);
  }
  template <class... Rest>
  void text(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.text(key, rest...);
  }
  template <class... Rest>
  void text_or_null(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.text_or_null(key, rest...);
  }
  template <class... Rest>
  void choice(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.choice(key, rest...);
  }
  template <class... Rest>
  void list(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.list(key, rest...);
  }
  template <class... Rest>
  void mapping(std::string_view key, Rest&&... rest) {
    if (wants(key)) Writer{out}.mapping(key, rest...);
  }
  void users(std::string_view key, const std::vector<User>& users) {
    if (wants(key)) print_users(out, users, Secrets::written);
  }
  template <class T>
  void section(std::string_view key, const T& section) {
    PartWriter inner{out, wanted, std::string(key)};
    keys(inner, section);
    if (inner.opened) out.close();
  }
};

std::string print(const Settings& settings, Form form) {
  Printer printer(form);
  Writer writer{printer};
  keys(writer, settings);
  return printer.take();
}

}  // namespace

std::string to_yaml(const Settings& settings) { return print(settings, Form::yaml); }

std::string to_short_yaml(const Settings& settings) {
  const auto usual = values_of(load_defaults().settings), values = values_of(settings);
  std::set<std::string> wanted{"depot"};
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].value != usual[i].value) wanted.insert(values[i].key);
  if (!settings.ssh.users.empty()) wanted.insert("ssh.users");
  Printer printer(Form::yaml);
  PartWriter writer{printer, wanted};
  keys(writer, settings);
  return printer.take();
}

std::string to_json(const Settings& settings) { return print(settings, Form::json); }

}  // namespace conf
