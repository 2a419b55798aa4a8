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

using Devices = std::vector<ListedDevice>;

class Tables {
 public:
  void read(std::string_view line) {
    if (line.size() > longest_line) return;
    const auto words = words_of(line);
    if (!read_summary(words)) read_images(words);
  }
  Devices take() { return std::move(devices_); }

 private:
  ListedDevice* device(std::string_view name) {
    const auto [place, is_new] = places_.try_emplace(std::string(name), devices_.size());
    if (!is_new) return &devices_[place->second];
    if (devices_.size() == most_devices) {
      places_.erase(place);
      return nullptr;
    }
    devices_.emplace_back().name = name;
    return &devices_.back();
  }

  // NAME SLOTS MODEL MAC MAC, and after them, in an order that depends on the version, a location of any
  // words, country, address and state.
  bool read_summary(const Words& words) {
    if (words.size() < 6 || !consists_of(words[1], "0123456789") || !is_mac(words[3]) || !is_mac(words[4]))
      return false;
    auto* const found = device(words[0]);
    if (!found) return true;
    found->model = words[2];
    for (auto word = words.begin() + 5; word != words.end() && !found->address; ++word)
      if (const auto address = address_in(*word)) found->address = *address;
    return true;
  }

  // NAME PRIMARY BACKUP STATUS; of the page "PRIMARY / CONTROLLER'S" and, after the status, the image's
  // family.
  void read_images(const Words& words) {
    std::size_t at = 1;
    const auto version = [&]() -> std::optional<std::string_view> {
      if (at >= words.size() || !is_version(words[at])) return {};
      const auto found = words[at++];
      if (at + 1 < words.size() && words[at] == "/") at += 2;
      return found;
    };
    const auto running = version(), backup = version();
    if (!running || !backup) return;
    auto* const found = device(words[0]);
    if (!found) return;
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
  }

  Devices devices_;
  std::map<std::string, std::size_t, std::less<>> places_;
};

}  // namespace

std::vector<ListedDevice> read_controller_tables(std::string_view text) {
  Tables tables;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    tables.read(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return tables.take();
}

}  // namespace server
