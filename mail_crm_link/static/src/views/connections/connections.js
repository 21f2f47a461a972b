import {Component, onWillStart, onWillUpdateProps, useState} from "@odoo/owl";
import {AutoComplete} from "@web/core/autocomplete/autocomplete";
import {CARD_TYPES} from "./card_types";
import {ConnectionForm} from "./connection_form";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const FOUND_PER_TYPE = 4;

/** @param {{model: String, id: Number}} card */
function keyOf({id, model}) {
    return `${model},${id}`;
}

/**
 * The cards that a mail is on, why, and one edit mode in which they are changed: nothing is
 * written before Save, and Save writes all of it or nothing.
 *
 *     shown ──pencil──► draft {add, create, remove} ──Save──► shown
 *       ▲                        │
 *       └────────Discard─────────┘
 */
export class Connections extends Component {
    static template = "mail_crm_link.Connections";
    static components = {AutoComplete, ConnectionForm};
    static props = {...standardWidgetProps};

    setup() {
        this.action = useService("action");
        this.orm = useService("orm");
        this.state = useState({
            connections: undefined,
            draft: undefined,
            form: undefined,
            isSaving: false,
        });
        this.nextKey = 1;
        onWillStart(() => this.load(this.props.record.resId));
        onWillUpdateProps(async ({record}) => {
            if (record.resId !== this.props.record.resId) {
                await this.load(record.resId);
            }
        });
    }

    async load(resId) {
        this.discard();
        this.state.connections = await this.orm.call("crm.email", "get_connections", [[resId]]);
    }

    /**
     * @param {string} method of the mail
     * @param {...any} parameters of the method
     */
    call(method, ...parameters) {
        return this.orm.call("crm.email", method, [[this.props.record.resId], ...parameters]);
    }

    // What is shown

    get groups() {
        return CARD_TYPES.map((cardType) => ({
            ...cardType,
            cards: this.cards.filter(({type}) => type === cardType.type),
        })).filter(({cards}) => cards.length);
    }

    get cards() {
        const {connections, draft} = this.state;
        const bound = connections.cards.map((card) => ({...card, key: keyOf(card)}));
        if (!draft) {
            return bound;
        }
        return [
            ...bound.map((card) => ({...card, isRemoved: draft.remove.includes(card.key)})),
            ...draft.add.map((card) => ({...card, key: keyOf(card), isAdded: true})),
            ...draft.create.map(({key, target, values}) => ({
                key,
                type: target,
                name: values.name,
                isAdded: true,
                isNew: true,
            })),
        ];
    }

    get creatable() {
        const {can_create: targets} = this.state.connections;
        return CARD_TYPES.filter(({type}) => targets.includes(type));
    }

    get canChoose() {
        const {candidates, can_edit: canEdit} = this.state.connections;
        return canEdit && candidates.length;
    }

    get canCreateAnyway() {
        const {cards, can_edit: canEdit} = this.state.connections;
        return canEdit && !cards.length && this.props.record.data.automatic !== "none";
    }

    get isChanged() {
        const {add, create, remove} = this.state.draft;
        return Boolean(add.length + create.length + remove.length);
    }

    get whyNotEditable() {
        return this.state.connections.can_edit
            ? _t("Edit")
            : _t("Only who may read this email may change its connections.");
    }

    open({id, model}) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: model,
            res_id: id,
            views: [[false, "form"]],
        });
    }

    // The draft

    edit() {
        this.state.draft = {add: [], create: [], remove: []};
    }

    discard() {
        this.state.draft = undefined;
        this.state.form = undefined;
    }

    get sources() {
        return CARD_TYPES.map((cardType) => ({
            placeholder: _t("Searching…"),
            optionSlot: "card",
            options: (text) => this.search(cardType, text),
        }));
    }

    async search({icon, label, type}, text) {
        const cards = await this.orm.call("crm.email", "search_cards", [
            text,
            type,
            FOUND_PER_TYPE,
        ]);
        const shown = this.cards.map(({key}) => key);
        return cards
            .filter((card) => !shown.includes(keyOf(card)))
            .map((card) => ({
                label: card.name,
                data: {icon, kind: label},
                onSelect: () => this.state.draft.add.push(card),
            }));
    }

    async startCreating(target) {
        const values = await this.call("prefill", target);
        this.state.form = {target, values};
    }

    confirmCreating(target, values) {
        const key = `new,${this.nextKey++}`;
        this.state.draft.create.push({key, target, values});
        this.state.form = undefined;
    }

    /** Takes off a card that is bound, and forgets one that was only going to be. */
    remove({isAdded, key}) {
        const {draft} = this.state;
        if (isAdded) {
            draft.add = draft.add.filter((card) => keyOf(card) !== key);
            draft.create = draft.create.filter((card) => card.key !== key);
        } else {
            draft.remove.push(key);
        }
    }

    restore({key}) {
        const {draft} = this.state;
        draft.remove = draft.remove.filter((removed) => removed !== key);
    }

    async save() {
        const {add, create, remove} = this.state.draft;
        const taken = this.state.connections.cards.filter((card) => remove.includes(keyOf(card)));
        await this.change("save_connections", [
            add.map(({id, model}) => [model, id]),
            create.map(({target, values}) => ({target, values})),
            taken.map(({id, model}) => [model, id]),
        ]);
    }

    // Changes: what is refused leaves the draft as it was

    choose(candidate) {
        return this.change("link_to", ["crm.lead", candidate.id]);
    }

    createAnyway() {
        return this.change("action_create_anyway", []);
    }

    async change(method, parameters) {
        this.state.isSaving = true;
        try {
            await this.call(method, ...parameters);
            await this.load(this.props.record.resId);
            await this.props.record.load();
        } finally {
            this.state.isSaving = false;
        }
    }
}

registry.category("view_widgets").add("crm_email_connections", {
    component: Connections,
    fieldDependencies: [{name: "automatic", type: "selection", selection: []}],
});
