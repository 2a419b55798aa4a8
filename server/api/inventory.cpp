#include "server/api/inventory.hpp"

#include <map>
#include <utility>

#include "server/loop/net.hpp"
#include "server/text/escape.hpp"

namespace server {
namespace {

namespace record = storage::record;

constexpr std::size_t longest_text = 100;

std::string key_of_name(const std::string& name) { return "name " + name; }

// Where a device that is listed stands among those that are known.
class Known {
 public:
  explicit Known(const std::vector<record::Described>& known) {
    for (const auto& each : known) {
      by_key_.emplace(each.key, &each);
      if (!each.name.empty()) by_name_.emplace(each.name, &each);
    }
  }
  const record::Described* find(const std::string& address, const std::string& name) const {
    if (const auto found = by_key_.find(address); !address.empty() && found != by_key_.end())
      return found->second;
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return nullptr;
    // A name moves to another address only where it had none.
    const auto& other = found->second->address;
    return address.empty() || other.empty() || other == address ? found->second : nullptr;
  }

 private:
  std::map<std::string, const record::Described*> by_key_, by_name_;
};

Told told_of(const ListedDevice& listed, const Known& known, std::int64_t now) {
  const auto address = listed.address ? kept_address(*listed.address).value_or("") : "";
  const auto name = kept_text(listed.name);
  const auto* const before = known.find(address, name);
  Told told;
  if (before) told.device = *before;
  told.is_new = !before;
  auto& device = told.device;
  const auto set = [&](const char* member, std::string& to, const std::string& text) {
    if (text.empty() || to == text) return;
    to = text;
    told.members.emplace_back(member);
  };
  const auto set_if = [&](const char* member, std::string& to, const std::optional<std::string>& text) {
    if (text) set(member, to, kept_text(*text));
  };
  set("address", device.address, address);
  set("name", device.name, name);
  set_if("model", device.model, listed.model), set_if("image", device.image, listed.image);
  set_if("running", device.running, listed.running), set_if("backup", device.backup, listed.backup);
  set_if("predownload", device.predownload, listed.predownload);
  set_if("site", device.site, listed.site), set_if("kind", device.kind, listed.kind);
  device.key = device.address.empty() ? key_of_name(device.name) : device.address;
  device.replaces = before && before->key != device.key ? before->key : "";
  device.at = now;
  device.listed_at = now;
  return told;
}

}  // namespace

std::string kept_text(const std::string& hostile) { return escaped(hostile, longest_text); }

std::optional<std::string> kept_address(const std::string& text) {
  error_code error;
  const auto address = net::ip::make_address(text, error);
  if (error) return {};
  return address.to_string();
}

std::vector<Told> told_by(const std::vector<ListedDevice>& listed,
                          const std::vector<record::Described>& known, std::int64_t now) {
  const Known places(known);
  std::vector<Told> all;
  all.reserve(listed.size());
  for (const auto& each : listed) all.push_back(told_of(each, places, now));
  return all;
}

}  // namespace server
