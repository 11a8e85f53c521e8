//! A user whose home and files are in different data centers.

use std::sync::{Arc, Mutex};

use mtp_crypto::DcId;
use mtp_server::Answer;
use mtp_session::client::RequestOptions;
use mtp_tokio::{InvokeError, Pool};
use mtp_transport::framing::Framing;
use mtp_transport::link::Stack;

use crate::support::{CallHandler, Plan, client_options, run};

/// One data center sends the user to another, which sends a call for a file to a third.
#[test]
fn calls_follow_the_user_and_the_file() {
    run(async {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut addresses = Vec::new();
        let mut worlds = Vec::new();
        for dc in [1, 2, 3] {
            let log = log.clone();
            let handler: CallHandler = Box::new(move |endpoint, now, call| {
                let query = call.query;
                let answer = match (dc, query[4]) {
                    (1, _) => Answer::error(303, "USER_MIGRATE_2"),
                    (2, b'f') => Answer::error(303, "FILE_MIGRATE_3"),
                    _ => Answer::Result(query.clone()),
                };
                log.lock().unwrap().push((dc, query[4]));
                endpoint.answer(now, call.token, &answer).unwrap();
            });
            let world = Plan { dc: DcId::new(dc), handler, ..Plan::default() }.start().await;
            addresses.push(world.address);
            worlds.push(world);
        }
        let (pool, _notices) = Pool::new(1, move |dc| {
            let at = usize::try_from(dc).ok()?.checked_sub(1)?;
            let stack = Stack::Plain(Framing::Abridged);
            let mut options = client_options(*addresses.get(at)?, stack);
            options.client.dc = DcId::new(dc);
            Some(options)
        });
        let ask = |what: u8| [*b"ask?", [what; 4]].concat();
        let answer = pool.invoke_raw(ask(b'u'), RequestOptions::new()).await;
        assert_eq!(answer, Ok(ask(b'u')));
        assert_eq!(pool.home(), 2);
        let answer = pool.invoke_raw(ask(b'f'), RequestOptions::new()).await;
        assert_eq!(answer, Ok(ask(b'f')));
        assert_eq!(pool.home(), 2, "a file does not move its user");
        assert_eq!(*log.lock().unwrap(), [(1, b'u'), (2, b'u'), (2, b'f'), (3, b'f')]);
        let nowhere = pool.invoke_raw_at(9, ask(b'f'), RequestOptions::new()).await;
        assert_eq!(nowhere, Err(InvokeError::Unreachable { dc: 9 }));
        pool.close().await;
        for world in worlds {
            world.stop().await.unwrap();
        }
    });
}

/// A data center that forgets an imported login (401) is given another, once for each call.
#[test]
fn a_forgotten_login_is_imported_again() {
    run(async {
        // Logins imported, and whether the second data center knows the last one.
        let state = Arc::new(Mutex::new((0, false)));
        let mut addresses = Vec::new();
        let mut worlds = Vec::new();
        for dc in [1, 2] {
            let state = state.clone();
            let handler: CallHandler = Box::new(move |endpoint, now, call| {
                let (imports, known) = &mut *state.lock().unwrap();
                let answer = match (dc, &call.query[..4]) {
                    (1, EXPORT) => Answer::Result(exported()),
                    (2, IMPORT) => {
                        (*imports, *known) = (*imports + 1, true);
                        Answer::Result(b"authorized!!".to_vec())
                    }
                    (2, b"lost") => Answer::error(401, "AUTH_KEY_UNREGISTERED"),
                    (2, b"ask?") if !*known => Answer::error(401, "AUTH_KEY_UNREGISTERED"),
                    _ => Answer::Result(call.query.clone()),
                };
                endpoint.answer(now, call.token, &answer).unwrap();
            });
            let plan = Plan { dc: DcId::new(dc), handler, bare: true, ..Plan::default() };
            let world = plan.start().await;
            addresses.push(world.address);
            worlds.push(world);
        }
        let (pool, _notices) = Pool::new(1, move |dc| {
            let at = usize::try_from(dc).ok()?.checked_sub(1)?;
            let stack = Stack::Plain(Framing::Abridged);
            let mut options = client_options(*addresses.get(at)?, stack);
            options.client.dc = DcId::new(dc);
            Some(options)
        });
        let imports = || state.lock().unwrap().0;
        let ask = |what: &[u8; 4]| pool.invoke_raw_at(2, what.to_vec(), RequestOptions::new());
        for expected in 1..4 {
            state.lock().unwrap().1 = false;
            assert_eq!(ask(b"ask?").await, Ok(b"ask?".to_vec()));
            assert_eq!(ask(b"ask?").await, Ok(b"ask?".to_vec()));
            assert_eq!(imports(), expected);
        }
        // Calls that fail together import once.
        state.lock().unwrap().1 = false;
        let (one, other) = tokio::join!(ask(b"ask?"), ask(b"ask?"));
        assert!(one.is_ok() && other.is_ok());
        assert_eq!(imports(), 4);
        // A new login does not help: the error is the caller's.
        let lost = ask(b"lost").await.unwrap_err();
        assert!(matches!(lost, InvokeError::Rpc { code: 401, .. }), "{lost}");
        assert_eq!(imports(), 5);
        pool.close().await;
        for world in worlds {
            world.stop().await.unwrap();
        }
    });
}

/// The ids of `auth.exportAuthorization` and `auth.importAuthorization`.
const EXPORT: &[u8] = &0xe5bf_ffcd_u32.to_le_bytes();
const IMPORT: &[u8] = &0xa57a_7dad_u32.to_le_bytes();

/// An `auth.exportedAuthorization`: its id, a number and a string of three bytes.
fn exported() -> Vec<u8> {
    [&0xb434_e2b8_u32.to_le_bytes()[..], &7_i64.to_le_bytes(), &[3, 1, 2, 3]].concat()
}
