#include <fmt/format.h>

#include "conf/account.hpp"
#include "conf/load.hpp"
#include "conf/names.hpp"
#include "conf/printer.hpp"

namespace conf {
namespace {

// Of endpoints or networks.
template <class T>
std::vector<std::string> texts(const std::vector<T>& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(value.text());
  return texts;
}

std::uint64_t seconds(std::chrono::seconds duration) { return static_cast<std::uint64_t>(duration.count()); }

std::string target_text(const Log& log) {
  if (log.target == LogTarget::file) return "file:" + log.file.string();
  return std::string(name_of(log.target, log_targets));
}

void print_tftp(Printer& printer, const Tftp& tftp) {
  printer.open("tftp");
  printer.texts("listen", texts(tftp.listen));
  printer.flag("uploads", tftp.uploads);
  printer.flag("read_uploads", tftp.read_uploads);
  printer.size("max_upload", tftp.max_upload);
  printer.number("max_block_size", tftp.max_block_size);
  printer.number("max_window", tftp.max_window);
  if (const auto& range = tftp.port_range) {
    printer.text("port_range", fmt::format("{}-{}", range->first, range->last));
  } else {
    printer.nothing("port_range");
  }
  printer.flag("single_port", tftp.single_port);
  printer.number("max_transfers", tftp.max_transfers);
  printer.number("max_transfers_per_address", tftp.max_transfers_per_address);
  printer.number("max_requests_per_second", tftp.max_requests_per_second);
  printer.texts("allow", texts(tftp.allow));
  printer.texts("deny", texts(tftp.deny));
  printer.close();
}

void print_ssh(Printer& printer, const Ssh& ssh) {
  printer.open("ssh");
  printer.texts("listen", texts(ssh.listen));
  printer.text("compatibility", name_of(ssh.compatibility, compatibilities));
  printer.size("max_upload", ssh.max_upload);
  printer.texts("kex", ssh.kex);
  printer.texts("host_key_algorithms", ssh.host_key_algorithms);
  printer.texts("ciphers", ssh.ciphers);
  printer.texts("macs", ssh.macs);
  if (ssh.rekey_limit) {
    printer.size("rekey_limit", *ssh.rekey_limit);
  } else {
    printer.nothing("rekey_limit");
  }
  printer.number("login_grace", seconds(ssh.login_grace));
  printer.text("max_unauthenticated", ssh.max_unauthenticated.text());
  printer.number("max_unauthenticated_per_address", ssh.max_unauthenticated_per_address);
  printer.number("max_sessions", ssh.max_sessions);
  printer.number("max_sessions_per_address", ssh.max_sessions_per_address);
  printer.texts("trusted", texts(ssh.trusted));
  if (ssh.users_file) {
    printer.text("users_file", ssh.users_file->string());
  } else {
    printer.nothing("users_file");
  }
  print_users(printer, ssh.users, Secrets::hidden);
  printer.close();
}

void print_uploads(Printer& printer, const Uploads& uploads) {
  printer.open("uploads");
  printer.size("max_total", uploads.max_total);
  printer.number("max_files", uploads.max_files);
  printer.number("max_folders", uploads.max_folders);
  printer.size("reserve", uploads.reserve);
  printer.close();
}

void print_import(Printer& printer, const Import& import) {
  printer.open("import");
  printer.flag("watch", import.watch);
  printer.text("layout", import.layout);
  printer.number("settle", seconds(import.settle));
  printer.number("keep", import.keep);
  printer.flag("keep_bundles", import.keep_bundles);
  printer.number("max_rejected", import.max_rejected);
  printer.number("max_members", import.max_members);
  printer.size("max_total", import.max_total);
  printer.number("max_ratio", import.max_ratio);
  printer.close();
}

void print_lookup(Printer& printer, const storage::LookupSettings& lookup) {
  std::vector<std::pair<std::string, std::string>> aliases;
  for (const auto& [from, to] : lookup.aliases) aliases.emplace_back(from.text(), to.text());
  printer.open("lookup");
  printer.flag("forgiving", lookup.forgiving);
  printer.mapping("aliases", aliases);
  printer.close();
}

void print_log(Printer& printer, const Log& log) {
  printer.open("log");
  printer.text("level", name_of(log.level, log_levels));
  printer.text("format", name_of(log.format, log_formats));
  printer.text("target", target_text(log));
  printer.size("max_size", log.max_size);
  printer.close();
}

std::string print(const Settings& settings, Form form) {
  Printer printer(form);
  printer.text("depot", settings.depot.string());
  if (settings.user) {
    printer.text("user", *settings.user);
  } else {
    printer.nothing("user");
  }
  print_tftp(printer, settings.tftp);
  print_ssh(printer, settings.ssh);
  print_uploads(printer, settings.uploads);
  print_import(printer, settings.import);
  print_lookup(printer, settings.lookup);
  print_log(printer, settings.log);
  printer.open("metrics");
  if (settings.metrics) {
    printer.text("listen", settings.metrics->text());
  } else {
    printer.nothing("listen");
  }
  printer.close();
  printer.texts("expected", settings.expected);
  printer.number("drain", seconds(settings.drain));
  return printer.take();
}

}  // namespace

std::string to_yaml(const Settings& settings) { return print(settings, Form::yaml); }

std::string to_json(const Settings& settings) { return print(settings, Form::json); }

}  // namespace conf
