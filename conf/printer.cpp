#include "conf/printer.hpp"

#include <fmt/format.h>

#include "conf/size.hpp"
#include "storage/files/code_point.hpp"

namespace conf {

Printer::Printer(Form form) : form_(form) {
  out_.SetNullFormat(YAML::LowerNull);
  if (form == Form::json) {
    out_.SetMapFormat(YAML::Flow);
    out_.SetStringFormat(YAML::DoubleQuoted);
    out_.SetOutputCharset(YAML::EscapeAsJson);
    out_.SetSeqFormat(YAML::Flow);
  }
  out_ << YAML::BeginMap;
}

YAML::Emitter& Printer::begin(std::string_view key) {
  return out_ << YAML::Key << std::string(key) << YAML::Value;
}

void Printer::open(std::string_view key) { begin(key) << YAML::BeginMap; }

void Printer::close() { out_ << YAML::EndMap; }

void Printer::open_list(std::string_view key) { begin(key) << YAML::BeginSeq; }

void Printer::open_item() { out_ << YAML::BeginMap; }

void Printer::close_list() { out_ << YAML::EndSeq; }

void Printer::text(std::string_view key, std::string_view value) {
  begin(key) << YAML::DoubleQuoted << std::string(value);
}

void Printer::texts(std::string_view key, const std::vector<std::string>& values) {
  begin(key) << YAML::Flow << YAML::BeginSeq;
  for (const auto& value : values) out_ << YAML::DoubleQuoted << value;
  out_ << YAML::EndSeq;
}

void Printer::mapping(std::string_view key, const std::vector<std::pair<std::string, std::string>>& pairs) {
  begin(key) << YAML::Flow << YAML::BeginMap;
  for (const auto& [own, value] : pairs)
    out_ << YAML::Key << YAML::DoubleQuoted << own << YAML::Value << YAML::DoubleQuoted << value;
  out_ << YAML::EndMap;
}

void Printer::number(std::string_view key, std::uint64_t value) { begin(key) << value; }

void Printer::size(std::string_view key, std::uint64_t bytes) {
  if (form_ == Form::json) return number(key, bytes);
  begin(key) << size_text(bytes);
}

void Printer::flag(std::string_view key, bool value) { begin(key) << value; }

void Printer::nothing(std::string_view key) { begin(key) << YAML::Null; }

// Each text stands in double quotes, so what does not show, or turns text round, can be escaped afterwards.
std::string Printer::take() {
  out_ << YAML::EndMap;
  std::string_view rest(out_.c_str(), out_.size());
  std::string text;
  while (!rest.empty()) {
    const auto [code, length, valid] = storage::first_character(rest);
    if (!valid || code < 0x80 || !storage::is_hidden(code)) {
      text += rest.substr(0, length);
    } else if (form_ == Form::json) {
      text += storage::json_escape(code);
    } else {
      text += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(code));
    }
    rest.remove_prefix(length);
  }
  return text + "\n";
}

}  // namespace conf
