#include "conf/families.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "conf/config_error.hpp"
#include "conf/document.hpp"
#include "storage/archives/member_name.hpp"
#include "storage/images/version.hpp"

namespace conf {
namespace {

constexpr std::string_view table =
#include "families.inc"
    ;
constexpr std::size_t most_families = 1'000, most_models = 100, longest_name = 32;
constexpr std::string_view digits = "0123456789";

[[noreturn]] void refuse(const std::string& name, const YAML::Node& node, std::string_view what) {
  throw ConfigError(fmt::format("{}:{}: {}", name, node.Mark().line + 1, what));
}

std::string read_name(const YAML::Node& node, const std::string& name) {
  if (!node.IsScalar() || node.Scalar().empty() || node.Scalar().size() > longest_name)
    refuse(name, node, "a model or family is a name of at most 32 bytes");
  return node.Scalar();
}

std::vector<std::string> read_models(const YAML::Node& list, const std::string& name) {
  std::vector<std::string> models;
  if (!list) return models;
  if (!list.IsSequence() || list.size() > most_models)
    refuse(name, list, "models are a list, of 100 at most");
  for (const auto& model : list) models.push_back(read_name(model, name));
  return models;
}

Family read_family(const YAML::Node& key, const YAML::Node& value, const std::string& name) {
  if (!value.IsMap()) refuse(name, key, "a family has models");
  for (const auto& each : value) {
    const auto& word = each.first.Scalar();
    if (word != "models" && word != "unconfirmed") refuse(name, each.first, "it is models or unconfirmed");
  }
  Family family{read_name(key, name), read_models(value["models"], name),
                read_models(value["unconfirmed"], name)};
  if (!storage::is_image_family(family.name)) refuse(name, key, "this is no image family's name");
  return family;
}

// What stands in front of the number on labels, and says nothing about the series.
bool says_nothing(std::string_view prefix) {
  constexpr std::array<std::string_view, 7> prefixes = {"", "ap", "cap", "sap", "lap", "rap", "c"};
  return std::ranges::find(prefixes, prefix) != prefixes.end();
}

struct Model {
  std::string prefix, number;
};

Model take_apart(std::string_view text) {
  auto model = storage::folded(text);
  if (model.starts_with("air-")) model.erase(0, 4);
  const auto first = std::min(model.find_first_of(digits), model.size());
  const auto end = std::min(model.find_first_not_of(digits, first), model.size());
  return {model.substr(0, first), model.substr(first, end - first)};
}

enum class Likeness { none, of_series, same };

Likeness likeness(const Model& model, const Model& listed) {
  if (model.number.empty()) return Likeness::none;
  if (model.prefix != listed.prefix && !(says_nothing(model.prefix) && says_nothing(listed.prefix)))
    return Likeness::none;
  if (model.number == listed.number) return Likeness::same;
  auto series = model.number;  // a 2802 is of the 2800 series
  series.back() = '0';
  return series == listed.number && listed.prefix.empty() ? Likeness::of_series : Likeness::none;
}

Likeness likeness(const Family& family, const Model& model) {
  auto closest = Likeness::none;
  for (const auto* models : {&family.models, &family.unconfirmed}) {
    for (const auto& listed : *models) closest = std::max(closest, likeness(model, take_apart(listed)));
  }
  return closest;
}

}  // namespace

std::string Family::text() const {
  std::string text = fmt::format("{}", fmt::join(models, ", "));
  for (const auto& model : unconfirmed)
    text += fmt::format("{}{} (unconfirmed)", text.empty() ? "" : ", ", model);
  return text;
}

std::vector<Family> parse_families(std::string_view text, const std::string& name) {
  const auto document = parse_document(text, name);
  if (!document.IsMap() || document.size() > most_families)
    refuse(name, document, "it is a map of families, 1000 at most");
  std::vector<Family> families;
  for (const auto& each : document) families.push_back(read_family(each.first, each.second, name));
  return families;
}

std::vector<Family> families() { return parse_families(table, "families.yaml"); }

std::vector<Family> families_for(std::string_view text) {
  const auto model = take_apart(text);
  auto all = families();
  auto closest = Likeness::none;
  for (const auto& family : all) closest = std::max(closest, likeness(family, model));
  std::erase_if(all, [&](const Family& family) {
    return closest == Likeness::none || likeness(family, model) != closest;
  });
  return all;
}

}  // namespace conf
