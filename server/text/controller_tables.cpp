#include "server/text/controller_tables.hpp"

#include <algorithm>
#include <cstddef>
#include <map>

#include "storage/images/version.hpp"

namespace server {
namespace {

constexpr std::size_t most_devices = 20'000, longest_line = 1024;

using Words = std::vector<std::string_view>;

Words words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  Words words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    if (line.empty()) return words;
    const auto length = std::min(line.find_first_of(blanks), line.size());
    words.push_back(line.substr(0, length));
    line.remove_prefix(length);
  }
}

bool consists_of(std::string_view word, std::string_view characters) {
  return !word.empty() && word.find_first_not_of(characters) == word.npos;
}

// "17.9.4.27", "0.0.0.0", but no address of a device stands where one of these may.
bool is_version(std::string_view word) {
  return consists_of(word, "0123456789.") && std::ranges::count(word, '.') >= 2;
}

// "a4b2.3291.9b28"
bool is_mac(std::string_view word) {
  constexpr std::size_t length = 14;
  return word.size() == length && word[4] == '.' && word[9] == '.' &&
         consists_of(word, "0123456789abcdefABCDEF.");
}

// An address of a table: some print a point after it.
std::optional<std::string_view> address_in(std::string_view word) {
  while (word.ends_with('.')) word.remove_suffix(1);
  const bool v4 = consists_of(word, "0123456789.") && std::ranges::count(word, '.') == 3;
  const bool v6 = consists_of(word, "0123456789abcdefABCDEF:") && std::ranges::count(word, ':') >= 2;
  return v4 || v6 ? std::optional(word) : std::nullopt;
}

// "9120-EWC#show ap image", "Number of APs: 3", "-----", "AP Name   Slots ...", and the sums below a heading.
bool says_nothing(std::string_view line, const Words& words) {
  if (words.empty() || consists_of(words[0], "-=+") || words[0] == "show" || words[0] == "AP") return true;
  const auto has = [line](std::string_view part) { return line.find(part) != line.npos; };
  return words[0].find_first_of("#>") != std::string_view::npos || has("umber of APs") ||
         (has(":") && has("redownload"));
}

class Table {
 public:
  // That of the name; null where there are too many.
  ListedDevice* device(std::string_view name) {
    const auto [place, is_new] = places_.try_emplace(std::string(name), told_.devices.size());
    if (!is_new) return &told_.devices[place->second];
    if (told_.devices.size() == most_devices) {
      places_.erase(place);
      return nullptr;
    }
    told_.devices.emplace_back().name = name;
    return &told_.devices.back();
  }
  void not_understood(std::string_view line) {
    ++told_.unknown_lines;
    if (told_.unknown.size() < ListedDevices::most_unknown)
      told_.unknown.emplace_back(line.substr(0, longest_line));
  }
  ListedDevices take() { return std::move(told_); }

 private:
  ListedDevices told_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

class Tables {
 public:
  void read(std::string_view line) {
    const auto words = line.size() > longest_line ? Words() : words_of(line);
    if (line.size() <= longest_line &&
        (read_summary(words) || read_tags(words) || read_images(words) || says_nothing(line, words)))
      return;
    table_.not_understood(line);
  }
  ListedDevices take() { return table_.take(); }

 private:
  // NAME SLOTS MODEL MAC MAC, and after them, in an order that depends on the version, a location of any
  // words, country, address and state.
  bool read_summary(const Words& words) {
    if (words.size() < 6 || !consists_of(words[1], "0123456789") || !is_mac(words[3]) || !is_mac(words[4]))
      return false;
    auto* const found = table_.device(words[0]);
    if (!found) return true;
    found->model = words[2];
    for (auto word = words.begin() + 5; word != words.end() && !found->address; ++word)
      if (const auto address = address_in(*word)) found->address = *address;
    return true;
  }

  // NAME MAC SITE-TAG POLICY-TAG RF-TAG MISCONFIGURED SOURCE
  bool read_tags(const Words& words) {
    if (words.size() < 7 || !is_mac(words[1]) || (words[5] != "No" && words[5] != "Yes")) return false;
    if (auto* const found = table_.device(words[0])) found->site = words[2];
    return true;
  }

  // NAME PRIMARY BACKUP STATUS; of the page "PRIMARY / CONTROLLER'S" and, after the status, the image's
  // family.
  bool read_images(const Words& words) {
    std::size_t at = 1;
    const auto version = [&]() -> std::optional<std::string_view> {
      if (at >= words.size() || !is_version(words[at])) return {};
      const auto found = words[at++];
      if (at + 1 < words.size() && words[at] == "/") at += 2;
      return found;
    };
    const auto running = version(), backup = version();
    if (!running || !backup) return false;
    auto* const found = table_.device(words[0]);
    if (!found) return true;
    found->running = *running;
    found->backup = *backup;
    std::string status;
    for (; at < words.size() && !is_version(words[at]) && words[at] != "N/A"; ++at) {
      if (storage::is_image_family(words[at])) {
        found->image = words[at];
        break;
      }
      status.append(status.empty() ? "" : " ").append(words[at]);
    }
    if (!status.empty()) found->predownload = std::move(status);
    return true;
  }

  Table table_;
};

template <class Read>
void each_line(std::string_view text, Read read) {
  while (!text.empty()) {
    const auto length = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    read(line);
  }
}

// Fields may stand in quotation marks, of which two are one of the text.
std::vector<std::string> fields_of(std::string_view line, char between) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == between && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  for (auto& field : fields) {
    const auto first = field.find_first_not_of(" \t"), last = field.find_last_not_of(" \t");
    field = first == field.npos ? "" : field.substr(first, last - first + 1);
  }
  return fields;
}

std::string lower(std::string text) {
  for (auto& each : text)
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  return text;
}

class List {
 public:
  void read(std::string_view line) {
    if (line.find_first_not_of(" \t,;") == line.npos) return;
    if (line.size() > longest_line) return table_.not_understood(line);
    if (columns_.empty()) return read_heading(line);
    const auto fields = fields_of(line, between_);
    const auto field = [&](const char* column) -> std::optional<std::string> {
      const auto place = std::ranges::find(columns_, column) - columns_.begin();
      const auto at = static_cast<std::size_t>(place);
      return at < fields.size() && !fields[at].empty() ? std::optional(fields[at]) : std::nullopt;
    };
    const auto address = field("address");
    const auto name = field("name").value_or(address.value_or(""));
    if (name.empty() || (address && !address_in(*address))) return table_.not_understood(line);
    auto* const found = table_.device(name);
    if (!found) return;
    found->address = address;
    found->model = field("model"), found->site = field("site"), found->kind = field("kind");
  }
  ListedDevices take() { return table_.take(); }

 private:
  void read_heading(std::string_view line) {
    if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
    between_ = line.find(';') == line.npos ? ',' : ';';
    auto columns = fields_of(line, between_);
    for (auto& column : columns) {
      column = lower(column);
      if (column == "ip" || column == "ip address") column = "address";
      if (column == "ap name") column = "name";
    }
    const auto has = [&](const char* column) { return std::ranges::find(columns, column) != columns.end(); };
    if (!has("name") && !has("address")) return table_.not_understood(line);
    columns_ = std::move(columns);
  }

  Table table_;
  std::vector<std::string> columns_;
  char between_ = ',';
};

}  // namespace

ListedDevices read_controller_tables(std::string_view text) {
  Tables tables;
  each_line(text, [&](std::string_view line) { tables.read(line); });
  return tables.take();
}

ListedDevices read_device_list(std::string_view text) {
  List list;
  each_line(text, [&](std::string_view line) { list.read(line); });
  return list.take();
}

}  // namespace server
