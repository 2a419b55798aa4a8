#include "conf/print.hpp"

#include "conf/account.hpp"
#include "conf/keys.hpp"
#include "conf/printer.hpp"

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

std::string print(const Settings& settings, Form form) {
  Printer printer(form);
  Writer writer{printer};
  keys(writer, settings);
  return printer.take();
}

}  // namespace

std::string to_yaml(const Settings& settings) { return print(settings, Form::yaml); }

std::string to_json(const Settings& settings) { return print(settings, Form::json); }

}  // namespace conf
