#include "server/log/json_log.hpp"

#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "protocols/tftp/packet.hpp"
#include "server/events/all.hpp"
#include "server/events/warning.hpp"
#include "server/log/classic.hpp"
#include "server/loop/meter.hpp"
#include "server/text/json.hpp"
#include "tests/support/kept_event.hpp"

using namespace server;
using namespace std::chrono_literals;

namespace {

// An event, and its JSON line without the member "text". Each kind of event, and each word that a field can
// hold, has a row. tests/integration/test_formats.py reads the raw strings marked `json` from this file and
// checks them against docs/log.schema.json and docs/formats.md.
struct Row {
  KeptEvent event;
  std::string_view json;
};

const event::Remapped remapped{"/EWC/ap1g8", storage::Rule::letter_case};

event::TransferEnded ended(protocols::Cause cause) {
  return {7, event::Protocol::sftp, "192.0.2.7", "ewc", "/a", "/b", false, 5, 3, 1.5, {cause, 2, "c"}};
}

event::TransferEnded scp_ended() {
  auto event = ended(protocols::Cause::complete);
  event.protocol = event::Protocol::scp;
  return event;
}

event::TransferEnded http_ended() {
  auto event = ended(protocols::Cause::complete);
  event.protocol = event::Protocol::http;
  event.user.clear();
  event.http = event::HttpDetails{206, 2};
  return event;
}

event::TransferEnded tftp_ended() {
  auto event = ended(protocols::Cause::complete);
  event.protocol = event::Protocol::tftp;
  event.user.clear();
  event.size.reset();
  event.tftp = event::TftpDetails{1428, 4, 6, 2, true, false, true};
  return event;
}

event::Missed missed(event::Protocol protocol, storage::Cause cause) {
  return {
      7, protocol, "192.0.2.7", "/ap1g8", {cause, "a", "b", storage::Path::parse("/EWC/ap1g6").value(), {}}};
}

event::SshDropped ssh_dropped(event::SshLimit limit, event::Offence offence = event::Offence::no_login) {
  return {7, "192.0.2.7", "192.0.2.2", 50'000, 22, 3, limit, offence, 4};
}

event::Published published() {
  event::Published event{"a.bin", {}, 1.5};
  event.imported.path = "/Aruba/8_6_0_4";
  event.imported.image = "a.bin";
  event.imported.members = 2;
  event.imported.bytes = 3;
  event.imported.already_there = true;
  event.imported.verified = false;
  return event;
}

event::ControllerSaid controller_said() {
  storage::LogMessage said{storage::LogMessage::Kind::failed};
  said.url = "tftp://a/b", said.reason = "r", said.image = "i";
  return {"192.0.2.7", "9120-EWC", said, "f", "x", true, 2};
}

event::LoopMeasured loop_measured() {
  static const LoopTurns turns{{1, 2, 3, 4, 5, 6, 7, 8}, 9ms};
  return {turns};
}

event::SftpHappened sftp_event(sftp::Event what) { return {7, std::move(what)}; }

const std::vector<Row>& rows() {
  using namespace event;
  namespace sftp = sftp::event;
  static const std::vector<Row> all{
      {TftpRequested{7, "192.0.2.7", "/EWC/ap1g8", true, {}},
       R"json({"number":7,"client":"192.0.2.7","name":"/EWC/ap1g8","write":true,"event":"tftp.requested"})json"},
      {TftpRequested{7, "192.0.2.7", "/ewc/AP1G8", false, &remapped},
       R"json({"number":7,"client":"192.0.2.7","name":"/ewc/AP1G8","write":false,"remapped":"/EWC/ap1g8","rule":"case","event":"tftp.requested"})json"},
      {TransferBegan{7, Protocol::sftp, "192.0.2.7", "ewc", "/a", "/b", false, 5},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"event":"transfer.began"})json"},
      {TransferBegan{7, Protocol::tftp, "192.0.2.7", "", "/a", "/b", true, {}, 512, 1},
       R"json({"number":7,"user":"","client":"192.0.2.7","protocol":"tftp","asked":"/a","name":"/b","write":true,"event":"transfer.began"})json"},
      {TransferBegan{7, Protocol::scp, "192.0.2.7", "ewc", "/a", "/b", false, 5},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"scp","asked":"/a","name":"/b","write":false,"size":5,"event":"transfer.began"})json"},
      {TransferBegan{7, Protocol::http, "192.0.2.7", "", "/a", "/b", false, 5},
       R"json({"number":7,"user":"","client":"192.0.2.7","protocol":"http","asked":"/a","name":"/b","write":false,"size":5,"event":"transfer.began"})json"},
      {HttpRequested{7, "192.0.2.7", "GET", "/EWC/ap1g8", {}},
       R"json({"number":7,"client":"192.0.2.7","method":"GET","name":"/EWC/ap1g8","event":"http.requested"})json"},
      {HttpRequested{7, "192.0.2.7", "HEAD", "/ewc/AP1G8", &remapped},
       R"json({"number":7,"client":"192.0.2.7","method":"HEAD","name":"/ewc/AP1G8","remapped":"/EWC/ap1g8","rule":"case","event":"http.requested"})json"},
      {HttpAnswered{7, "192.0.2.7", 404, "Not Found"},
       R"json({"number":7,"client":"192.0.2.7","status":404,"event":"http.answered"})json"},
      {HttpLimited{7, "192.0.2.7", "/a", Limit::requests_per_second},
       R"json({"number":7,"client":"192.0.2.7","name":"/a","limit":"max_requests_per_second","event":"http.limited"})json"},
      {HttpLimited{7, "192.0.2.7", "/a", Limit::denied},
       R"json({"number":7,"client":"192.0.2.7","name":"/a","limit":"deny","event":"http.limited"})json"},
      {HttpLimited{7, "192.0.2.7", "/a", Limit::not_allowed},
       R"json({"number":7,"client":"192.0.2.7","name":"/a","limit":"allow","event":"http.limited"})json"},
      {HttpLimited{7, "192.0.2.7", "", Limit::transfers_per_address},
       R"json({"number":7,"client":"192.0.2.7","name":"","limit":"max_transfers_per_address","event":"http.limited"})json"},
      {HttpLimited{7, "192.0.2.7", "", Limit::transfers},
       R"json({"number":7,"client":"192.0.2.7","name":"","limit":"max_transfers","event":"http.limited"})json"},
      {http_ended(),
       R"json({"number":7,"user":"","client":"192.0.2.7","protocol":"http","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"complete","code":2,"error":"c","status":206,"first":2,"event":"transfer.ended"})json"},
      {ended(protocols::Cause::complete),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"complete","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::size_asked),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"size_asked","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::client_error),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"client_error","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::options_refused),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"options_refused","code":2,"error":"c","remedy":"the client does not accept options; most ask again without them","event":"transfer.ended"})json"},
      {ended(protocols::Cause::new_request),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"new_request","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::other_server),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"other_server","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::partly_read), R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"partly_read","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::withdrawn),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"withdrawn","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::disconnected),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"disconnected","code":2,"error":"c","remedy":"the client closed the connection before the file was whole: its own log says why, and a controller does so after a timeout of its own","event":"transfer.ended"})json"},
      {ended(protocols::Cause::unconfirmed),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"network","cause":"unconfirmed","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::silence),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"network","cause":"silence","code":2,"error":"c","remedy":"the client no longer answers: it restarted, or the link to it failed","event":"transfer.ended"})json"},
      {ended(protocols::Cause::port_closed),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"network","cause":"port_closed","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::connection_lost),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"network","cause":"connection_lost","code":2,"error":"c","remedy":"the client restarted, or something on the way cut the connection: look at the firewall's limits for idle and for long sessions","event":"transfer.ended"})json"},
      {ended(protocols::Cause::file_changed),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"file_changed","code":2,"error":"c","remedy":"put a new version in place with one rename (mv), after it is copied","event":"transfer.ended"})json"},
      {ended(protocols::Cause::unreadable),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"unreadable","code":2,"error":"c","remedy":"look at the disk and at the file's rights","event":"transfer.ended"})json"},
      {ended(protocols::Cause::unwritable),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"unwritable","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::too_large),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"too_large","code":2,"error":"c","remedy":"ssh.max_upload is the bound","event":"transfer.ended"})json"},
      {ended(protocols::Cause::wrong_size),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"wrong_size","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::long_block),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"long_block","code":2,"error":"c","remedy":"the client ignores the blksize that was agreed on","event":"transfer.ended"})json"},
      {ended(protocols::Cause::gave_way),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"gave_way","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::connection_ended),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"connection_ended","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::shutdown),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"shutdown","code":2,"error":"c","remedy":"drain is how many seconds transfers may go on when the server stops","event":"transfer.ended"})json"},
      {ended(protocols::Cause::stopped), R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"stopped","code":2,"error":"c","event":"transfer.ended"})json"},
      {ended(protocols::Cause::broke_off),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"sftp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"server","cause":"broke_off","code":2,"error":"c","event":"transfer.ended"})json"},
      {scp_ended(),
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","protocol":"scp","asked":"/a","name":"/b","write":false,"size":5,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"complete","code":2,"error":"c","event":"transfer.ended"})json"},
      {tftp_ended(),
       R"json({"number":7,"user":"","client":"192.0.2.7","protocol":"tftp","asked":"/a","name":"/b","write":false,"bytes":3,"seconds":1.5,"ended_by":"client","cause":"complete","code":2,"error":"c","blksize":1428,"windowsize":4,"resent":6,"netascii":true,"by_broadcast":true,"event":"transfer.ended"})json"},
      {TftpRefused{7, "192.0.2.7", tftp::ErrorCode::file_not_found},
       R"json({"number":7,"client":"192.0.2.7","code":1,"by_broadcast":false,"event":"tftp.refused"})json"},
      {TftpLimited{7, "192.0.2.7", "/x", Limit::requests_per_second},
       R"json({"number":7,"client":"192.0.2.7","name":"/x","limit":"max_requests_per_second","event":"tftp.limited"})json"},
      {TftpLimited{7, "192.0.2.7", "/x", Limit::denied},
       R"json({"number":7,"client":"192.0.2.7","name":"/x","limit":"deny","event":"tftp.limited"})json"},
      {TftpLimited{7, "192.0.2.7", "/x", Limit::not_allowed},
       R"json({"number":7,"client":"192.0.2.7","name":"/x","limit":"allow","event":"tftp.limited"})json"},
      {TftpLimited{7, "192.0.2.7", "/x", Limit::transfers_per_address},
       R"json({"number":7,"client":"192.0.2.7","name":"/x","limit":"max_transfers_per_address","event":"tftp.limited"})json"},
      {TftpLimited{7, "192.0.2.7", "/x", Limit::transfers},
       R"json({"number":7,"client":"192.0.2.7","name":"/x","limit":"max_transfers","event":"tftp.limited"})json"},
      {TftpNoise{7, "192.0.2.7", Noise::refused, 5, 10s},
       R"json({"number":7,"client":"192.0.2.7","kind":"refused","count":5,"seconds":10,"repeated":[],"event":"tftp.noise"})json"},
      {TftpNoise{7, "192.0.2.7", Noise::refused, 5, 10s, {{"NOT_FOUND /x", 4}}},
       R"json({"number":7,"client":"192.0.2.7","kind":"refused","count":5,"seconds":10,"repeated":[{"what":"NOT_FOUND /x","count":4}],"event":"tftp.noise"})json"},
      {TftpNoise{7, "192.0.2.7", Noise::unanswered, 5, 10s},
       R"json({"number":7,"client":"192.0.2.7","kind":"unanswered","count":5,"seconds":10,"repeated":[],"event":"tftp.noise"})json"},
      {TftpNoise{7, "192.0.2.7", Noise::limited, 5, 10s},
       R"json({"number":7,"client":"192.0.2.7","kind":"limited","count":5,"seconds":10,"repeated":[],"event":"tftp.noise"})json"},
      {LeftOut{"192.0.2.7", 612, 10s},
       R"json({"about":"192.0.2.7","lines":612,"seconds":10,"event":"log.left_out"})json"},
      {missed(Protocol::tftp, storage::Cause::empty_name),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"EMPTY_NAME","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::escapes_root),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"ESCAPES_ROOT","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::leads_out),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"LEADS_OUT","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::is_directory),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"IS_DIRECTORY","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::unreadable),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"UNREADABLE","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::wrong_case),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"WRONG_CASE","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::being_imported),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"BEING_IMPORTED","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::not_unpacked),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"NOT_UNPACKED","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::lookalike),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"LOOKALIKE","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::family_missing),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"FAMILY_MISSING","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::no_such_release),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"NO_SUCH_RELEASE","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::wrong_directory), R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"WRONG_DIRECTORY","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::write_refused),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"WRITE_REFUSED","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::tftp, storage::Cause::read_refused),
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"READ_REFUSED","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::scp, storage::Cause::not_found),
       R"json({"number":7,"client":"192.0.2.7","protocol":"scp","asked":"/ap1g8","cause":"NOT_FOUND","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::http, storage::Cause::not_found),
       R"json({"number":7,"client":"192.0.2.7","protocol":"http","asked":"/ap1g8","cause":"NOT_FOUND","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {missed(Protocol::sftp, storage::Cause::not_found),
       R"json({"number":7,"client":"192.0.2.7","protocol":"sftp","asked":"/ap1g8","cause":"NOT_FOUND","what":"a","hint":"b","nearest":"/EWC/ap1g6","event":"miss"})json"},
      {Missed{7, Protocol::tftp, "192.0.2.7", "/ap1g8", {storage::Cause::not_found, "a", "", {}, {}}},
       R"json({"number":7,"client":"192.0.2.7","protocol":"tftp","asked":"/ap1g8","cause":"NOT_FOUND","what":"a","hint":"","event":"miss"})json"},
      {HostKey{"ssh-ed25519", "SHA256:x"},
       R"json({"type":"ssh-ed25519","fingerprint":"SHA256:x","event":"ssh.host_key"})json"},
      {SshProbed{7, "192.0.2.7"}, R"json({"number":7,"client":"192.0.2.7","event":"ssh.probed"})json"},
      {ssh_dropped(SshLimit::unauthenticated_per_address),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"max_unauthenticated_per_address","untold":4,"event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::unauthenticated),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"max_unauthenticated","untold":4,"event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::sessions_per_address),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"max_sessions_per_address","untold":4,"event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::sessions),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"max_sessions","untold":4,"event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::penalty, Offence::failed_login),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"penalty","untold":4,"offence":"failed_login","event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::penalty, Offence::no_login),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"penalty","untold":4,"offence":"no_login","event":"ssh.dropped"})json"},
      {ssh_dropped(SshLimit::penalty, Offence::login_grace),
       R"json({"number":7,"client":"192.0.2.7","port":50000,"limit":"penalty","untold":4,"offence":"login_grace","event":"ssh.dropped"})json"},
      {SshPenalised{7, "192.0.2.7", 15s, Offence::failed_login},
       R"json({"number":7,"client":"192.0.2.7","offence":"failed_login","seconds":15,"event":"ssh.penalised"})json"},
      {SshPenalised{7, "192.0.2.7", 15s, Offence::no_login},
       R"json({"number":7,"client":"192.0.2.7","offence":"no_login","seconds":15,"event":"ssh.penalised"})json"},
      {SshPenalised{7, "192.0.2.7", 15s, Offence::login_grace},
       R"json({"number":7,"client":"192.0.2.7","offence":"login_grace","seconds":15,"event":"ssh.penalised"})json"},
      {SshNegotiated{7, "192.0.2.7", 50'000, "SSH-2.0-a", "b", "c", "d", "e", "f", "g"},
       R"json({"number":7,"client":"192.0.2.7","banner":"SSH-2.0-a","kex":"b","host_key":"c","cipher_in":"d","cipher_out":"e","mac_in":"f","mac_out":"g","event":"ssh.negotiated"})json"},
      {SshMismatched{7, "192.0.2.7", 50'000, "SSH-2.0-a", "b", "c", "d", true},
       R"json({"number":7,"client":"192.0.2.7","banner":"SSH-2.0-a","kind":"b","theirs":"c","ours":"d","legacy_helps":true,"event":"ssh.mismatched"})json"},
      {SshEnded{7, "ewc", "192.0.2.7", 50'000, SshEnd::closed, ""},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","how":"closed","why":"","event":"ssh.ended"})json"},
      {SshEnded{7, "ewc", "192.0.2.7", 50'000, SshEnd::reset, ""},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","how":"reset","why":"","event":"ssh.ended"})json"},
      {SshEnded{7, "ewc", "192.0.2.7", 50'000, SshEnd::disconnected, "bye"},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","how":"disconnected","why":"bye","event":"ssh.ended"})json"},
      {SshEnded{7, "", "192.0.2.7", 50'000, SshEnd::timeout, ""},
       R"json({"number":7,"user":"","client":"192.0.2.7","how":"timeout","why":"","event":"ssh.ended"})json"},
      {SshEnded{7, "", "192.0.2.7", 50'000, SshEnd::disconnecting, "why"},
       R"json({"number":7,"user":"","client":"192.0.2.7","how":"disconnecting","why":"why","event":"ssh.ended"})json"},
      {SshRefused{7, "shell"}, R"json({"number":7,"what":"shell","event":"ssh.refused"})json"},
      {LoggedIn{7, "ewc", "192.0.2.7", 50'000, "password"},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","event":"ssh.accepted"})json"},
      {LoggedIn{7, "ewc", "192.0.2.7", 50'000, "publickey", "ED25519 SHA256:a"},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"publickey","key":"ED25519 SHA256:a","event":"ssh.accepted"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::wrong_password},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"wrong_password","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::unknown_user},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"unknown_user","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::other_case},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"other_case","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::no_password},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"no_password","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::no_keys},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"no_keys","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::other_key},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"other_key","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::barred_key},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"barred_key","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::wrong_signature},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"wrong_signature","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::not_judged},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"not_judged","event":"ssh.denied"})json"},
      {LoginFailed{7, "ewc", "192.0.2.7", 50'000, "password", LoginFault::no_sftp},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","method":"password","fault":"no_sftp","event":"ssh.denied"})json"},
      {WebLoggedIn{"maria", "192.0.2.7"},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","event":"web.accepted"})json"},
      {WebLoginFailed{"maria", "192.0.2.7", LoginFault::wrong_password},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","fault":"wrong_password","event":"web.denied"})json"},
      {WebLoginFailed{"maria", "192.0.2.7", LoginFault::unknown_user},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","fault":"unknown_user","event":"web.denied"})json"},
      {WebLoginFailed{"maria", "192.0.2.7", LoginFault::other_case},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","fault":"other_case","event":"web.denied"})json"},
      {WebLoginFailed{"maria", "192.0.2.7", LoginFault::no_password},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","fault":"no_password","event":"web.denied"})json"},
      {WebLoginFailed{"maria", "192.0.2.7", LoginFault::not_judged},
       R"json({"user":"maria","client":"192.0.2.7","method":"page","fault":"not_judged","event":"web.denied"})json"},
      {WebLoginFailed{"ewc", "192.0.2.7", LoginFault::no_web},
       R"json({"user":"ewc","client":"192.0.2.7","method":"page","fault":"no_web","event":"web.denied"})json"},
      {WebLoginFailed{"", "192.0.2.7", LoginFault::wrong_code},
       R"json({"user":"","client":"192.0.2.7","method":"page","fault":"wrong_code","event":"web.denied"})json"},
      {LoginFailed{7, "EWC", "192.0.2.7", 50'000, "publickey", LoginFault::other_case, "ED25519 SHA256:a",
                   "ewc"},
       R"json({"number":7,"user":"EWC","client":"192.0.2.7","method":"publickey","fault":"other_case","key":"ED25519 SHA256:a","similar":"ewc","event":"ssh.denied"})json"},
      {SessionOpened{7, "ewc", "192.0.2.7"},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","event":"sftp.opened"})json"},
      {SessionClosed{7, "ewc", "192.0.2.7"},
       R"json({"number":7,"user":"ewc","client":"192.0.2.7","event":"sftp.closed"})json"},
      {sftp_event(sftp::ClientVersion{3}), R"json({"number":7,"version":3,"event":"sftp.version"})json"},
      {sftp_event(sftp::Realpath{"a"}), R"json({"number":7,"name":"a","event":"sftp.realpath"})json"},
      {sftp_event(sftp::Stat{"a", true}), R"json({"number":7,"name":"a","event":"sftp.stat"})json"},
      {sftp_event(sftp::Stat{"a", false}), R"json({"number":7,"name":"a","event":"sftp.lstat"})json"},
      {sftp_event(sftp::Open{"a", 0x1a, 0644}),
       R"json({"number":7,"name":"a","flags":"WRITE,CREATE,TRUNCATE","event":"sftp.open"})json"},
      {sftp_event(sftp::Close{"a", 5, true, 6}),
       R"json({"number":7,"name":"a","read":5,"written":6,"forced":true,"event":"sftp.close"})json"},
      {sftp_event(sftp::Opendir{"a"}), R"json({"number":7,"name":"a","event":"sftp.opendir"})json"},
      {sftp_event(sftp::Closedir{"a", true}),
       R"json({"number":7,"name":"a","forced":true,"event":"sftp.closedir"})json"},
      {sftp_event(sftp::Remove{"a"}), R"json({"number":7,"name":"a","event":"sftp.remove"})json"},
      {sftp_event(sftp::Mkdir{"a", 0755}),
       R"json({"number":7,"name":"a","mode":493,"event":"sftp.mkdir"})json"},
      {sftp_event(sftp::Rmdir{"a"}), R"json({"number":7,"name":"a","event":"sftp.rmdir"})json"},
      {sftp_event(sftp::Pair{"rename", "a", "b"}),
       R"json({"number":7,"old":"a","new":"b","event":"sftp.rename"})json"},
      {sftp_event(sftp::Pair{"posix-rename", "a", "b"}),
       R"json({"number":7,"old":"a","new":"b","event":"sftp.posix-rename"})json"},
      {sftp_event(sftp::Pair{"symlink", "a", "b"}),
       R"json({"number":7,"old":"a","new":"b","event":"sftp.symlink"})json"},
      {sftp_event(sftp::Pair{"hardlink", "a", "b"}),
       R"json({"number":7,"old":"a","new":"b","event":"sftp.hardlink"})json"},
      {sftp_event(sftp::Pair{"new-pair", "a", "b"}),
       R"json({"number":7,"old":"a","new":"b","event":"sftp.request"})json"},
      {sftp_event(sftp::Named{"statvfs", "a"}), R"json({"number":7,"name":"a","event":"sftp.statvfs"})json"},
      {sftp_event(sftp::Named{"fsync", "a"}), R"json({"number":7,"name":"a","event":"sftp.fsync"})json"},
      {sftp_event(sftp::Named{"readlink", "a"}),
       R"json({"number":7,"name":"a","event":"sftp.readlink"})json"},
      {sftp_event(sftp::Named{"expand", "a"}), R"json({"number":7,"name":"a","event":"sftp.expand"})json"},
      {sftp_event(sftp::Named{"home-directory", "a"}),
       R"json({"number":7,"name":"a","event":"sftp.home-directory"})json"},
      {sftp_event(sftp::Named{"new-request", "a"}),
       R"json({"number":7,"name":"a","event":"sftp.request"})json"},
      {sftp_event(sftp::SetSize{"a", 5}), R"json({"number":7,"name":"a","size":5,"event":"sftp.set"})json"},
      {sftp_event(sftp::SetMode{"a", 0600}),
       R"json({"number":7,"name":"a","mode":384,"ignored":true,"event":"sftp.set"})json"},
      {sftp_event(sftp::ModeIgnored{"a", 0600}),
       R"json({"number":7,"name":"a","mode":384,"event":"sftp.mode_ignored"})json"},
      {sftp_event(sftp::SetModtime{"a", 5}),
       R"json({"number":7,"name":"a","modtime":5,"event":"sftp.set"})json"},
      {sftp_event(sftp::SetOwner{"a", 5, 6}),
       R"json({"number":7,"name":"a","uid":5,"gid":6,"event":"sftp.set"})json"},
      {sftp_event(sftp::Refused{"mkdir"}),
       R"json({"number":7,"request":"mkdir","event":"sftp.refused"})json"},
      {sftp_event(sftp::SentStatus{1, ::sftp::Status::no_such_file}),
       R"json({"number":7,"status":"No such file","event":"sftp.status"})json"},
      {sftp_event(sftp::Unknown{200, "a@example.com"}),
       R"json({"number":7,"type":200,"extension":"a@example.com","event":"sftp.unknown"})json"},
      {SftpRemapped{7, "/ewc/AP1G8", remapped},
       R"json({"number":7,"name":"/ewc/AP1G8","remapped":"/EWC/ap1g8","rule":"case","event":"sftp.remapped"})json"},
      {ScpFailed{7, "a", "b", true},
       R"json({"number":7,"name":"a","message":"b","by_client":true,"event":"scp.error"})json"},
      {ImportStarted{"a.zip"}, R"json({"file":"a.zip","event":"import.started"})json"},
      {ImportProgress{"a.zip", 5, 6},
       R"json({"file":"a.zip","done":5,"total":6,"event":"import.progress"})json"},
      {published(),
       R"json({"file":"a.bin","path":"/Aruba/8_6_0_4","members":2,"bytes":3,"already_there":true,"seconds":1.5,"image":"a.bin","verified":false,"event":"import.published"})json"},
      {ImportRejected{"a.zip", "b", "rejected/a.zip"},
       R"json({"file":"a.zip","reason":"b","moved_to":"rejected/a.zip","event":"import.rejected"})json"},
      {ImportFailed{"a.zip", "b"}, R"json({"file":"a.zip","reason":"b","event":"import.failed"})json"},
      {ImportGone{"a.zip", true}, R"json({"file":"a.zip","replaced":true,"event":"import.gone"})json"},
      {DigestCompared{{"a.zip", "SHA512SUMS", "/EWC/17_9_4a", true}},
       R"json({"file":"a.zip","where":"SHA512SUMS","path":"/EWC/17_9_4a","matches":true,"event":"import.digest"})json"},
      {DigestWaits{"SHA512SUMS"}, R"json({"file":"SHA512SUMS","event":"import.digest_waits"})json"},
      {DropIgnored{"a"}, R"json({"file":"a","event":"import.ignored"})json"},
      {controller_said(),
       R"json({"client":"192.0.2.7","host":"9120-EWC","kind":"failed","url":"tftp://a/b","reason":"r","image":"i","bad":true,"finding":"f","fix":"x","untold":2,"event":"controller.said"})json"},
      {ControllerSaid{"192.0.2.7", "", {storage::LogMessage::Kind::device_succeeded}, "f", "", false},
       R"json({"client":"192.0.2.7","host":"","kind":"device_succeeded","bad":false,"finding":"f","fix":"","untold":0,"event":"controller.said"})json"},
      {SyslogRefused{"192.0.2.7", SyslogLimit::not_allowed, true, 4},
       R"json({"client":"192.0.2.7","limit":"allow","untold":4,"event":"syslog.refused"})json"},
      {SyslogRefused{"192.0.2.7", SyslogLimit::lines_per_second, true, 0},
       R"json({"client":"192.0.2.7","limit":"max_lines_per_second","untold":0,"event":"syslog.refused"})json"},
      {SyslogRefused{"192.0.2.7", SyslogLimit::lines_per_second_in_all, true, 0},
       R"json({"client":"192.0.2.7","limit":"max_lines_per_second_in_all","untold":0,"event":"syslog.refused"})json"},
      {Retired{"/EWC/17_3_3", "retired/EWC/17_3_3", 3},
       R"json({"path":"/EWC/17_3_3","moved_to":"retired/EWC/17_3_3","keep":3,"event":"import.retired"})json"},
      {Started{"1.2.3"}, R"json({"version":"1.2.3","event":"server.started"})json"},
      {RootGivenUp{"apdepot", 5}, R"json({"user":"apdepot","uid":5,"event":"server.root_given_up"})json"},
      {Reloaded{"/etc/a.yaml"}, R"json({"file":"/etc/a.yaml","event":"server.reloaded"})json"},
      {ReloadFailed{"a"}, R"json({"reason":"a","event":"server.reload_failed"})json"},
      {Acted{"maria", "promote", "/EWC/17_9_4a", "done"},
       R"json({"who":"maria","act":"promote","subject":"/EWC/17_9_4a","outcome":"done","event":"server.acted"})json"},
      {Warned{Warning::control_socket, "a"},
       R"json({"kind":"control_socket","warning":"a","event":"server.warned"})json"},
      {Stopping{5, 6}, R"json({"transfers":5,"sessions":6,"event":"server.stopping"})json"},
      {loop_measured(),
       R"json({"turns":36,"longest_us":9000,"counts":[1, 2, 3, 4, 5, 6, 7, 8],"event":"server.loop"})json"},
      {Stopped{}, R"json({"event":"server.stopped"})json"},
  };
  return all;
}

}  // namespace

TEST_CASE("json: each kind of event has its fields, and the classic lines as its text") {
  for (const auto& [event, json] : rows()) {
    std::string expected(json.substr(0, json.size() - 1)), text;
    for (const auto& classic : classic_lines(event))
      text.append(text.empty() ? "" : "; ").append(classic.text);
    expected.append(",\"text\":").append(json_string(text)).append("}");
    CHECK(json_line(event).text == expected);
  }
}

TEST_CASE("json: each kind of event has a row in this test") {
  std::set<std::size_t> events, sftp_events;
  for (const auto& row : rows()) {
    events.insert(row.event.kind());
    if (const auto* happened = row.event->get_if<event::SftpHappened>())
      sftp_events.insert(happened->what.index());
  }
  CHECK(events.size() == std::variant_size_v<event::Any>);
  CHECK(sftp_events.size() == std::variant_size_v<sftp::Event>);
}
